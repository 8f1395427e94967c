-- Stock and clicks; then what of all feeds is held back, and the day gold is as of.

create temp table inventory_rows as
with typed as (
    select
        clean(product_id) as product_id, clean(warehouse_id) as warehouse_id,
        clean(snapshot_date) as counted, try_cast(counted as date) as snapshot_date,
        clean(quantity_on_hand) as on_hand, try_cast(on_hand as bigint) as quantity_on_hand,
        clean(quantity_reserved) as reserved, try_cast(reserved as bigint) as quantity_reserved,
        clean(reorder_point) as point, try_cast(point as bigint) as reorder_point,
        clean(reorder_quantity) as reorder, try_cast(reorder as bigint) as reorder_quantity,
        clean(last_restock_date) as restocked, try_cast(restocked as date) as last_restock_date,
        file, batch_day(file) as batch_date, rowid as record
    from raw_inventory
)

select
    typed.* exclude (counted, on_hand, reserved, point, reorder, restocked),
    concat_ws(
        ', ',
        case when warehouse_id is null then 'warehouse_id_missing' end,
        case when counted is null then 'snapshot_date_missing' end,
        case when counted is not null and snapshot_date is null then 'snapshot_date_invalid' end,
        case when on_hand is null then 'quantity_on_hand_missing' end,
        case when on_hand is not null and quantity_on_hand is null
            then 'quantity_on_hand_invalid' end,
        case when reserved is not null and quantity_reserved is null
            then 'quantity_reserved_invalid' end,
        case when point is not null and reorder_point is null then 'reorder_point_invalid' end,
        case when reorder is not null and reorder_quantity is null
            then 'reorder_quantity_invalid' end,
        case when restocked is not null and last_restock_date is null
            then 'last_restock_date_invalid' end,
        case when known.product_id is null then 'product_unknown' end
    ) as reasons
from typed
left join known_products as known on typed.product_id = known.product_id;

create temp table inventory as
from inventory_rows
where reasons = ''
qualify row_number() over (
    partition by product_id, warehouse_id, snapshot_date
    order by batch_date desc, file desc, record desc
) = 1;

create temp table event_rows as
with typed as (
    select
        clean(event_id) as event_id, clean(session_id) as session_id,
        clean(customer_id) as customer_id, lower(clean(event_type)) as event_type,
        clean(event_timestamp) as happened, try_cast(happened as timestamp) as happened_at,
        clean(device_type) as device_type, clean(page_load_time_ms) as load_text,
        clean(time_on_page_sec) as stay_text, clean(scroll_depth_pct) as scroll_text,
        file, batch_day(file) as batch_date, rowid as record
    from raw_clickstream
)

select
    * exclude (happened, load_text, stay_text, scroll_text),
    coalesce(happened_at, batch_date) as changed_at,
    concat_ws(
        ', ',
        case when event_id is null then 'event_id_missing' end,
        case when session_id is null then 'session_id_missing' end,
        case when event_type is null then 'event_type_missing' end,
        case when happened is null then 'event_timestamp_missing' end,
        case when happened is not null and happened_at is null
            then 'event_timestamp_invalid' end,
        case when load_text is not null and try_cast(load_text as bigint) is null
            then 'page_load_time_ms_invalid' end,
        case when stay_text is not null and try_cast(stay_text as bigint) is null
            then 'time_on_page_sec_invalid' end,
        case when scroll_text is not null and try_cast(scroll_text as bigint) is null
            then 'scroll_depth_pct_invalid' end
    ) as reasons
from typed;

create temp table events as
from event_rows
where reasons = ''
qualify row_number() over (
    partition by event_id order by changed_at desc, batch_date desc, file desc, record desc
) = 1;

create table quarantine as
with held as (
    select 'customers' as feed, customer_id as business_key, reasons, null::decimal(38, 2) as held,
        file, record, to_json(rows)::varchar as original
    from customer_rows as rows
    where reasons <> ''
    union all
    select 'addresses', address_id, reasons, null, file, record, to_json(rows)
    from address_rows as rows
    where reasons <> ''
    union all
    select 'products', product_id, reasons, null, file, record, to_json(rows)
    from product_rows as rows
    where reasons <> ''
    union all
    select 'orders', order_id, reasons, total_amount, file, record, to_json(rows)
    from order_rows as rows
    where reasons <> ''
    union all
    select 'order_items', item_id, reasons, quantity * unit_price, file, record, to_json(rows)
    from order_item_rows as rows
    where reasons <> ''
    union all
    select 'payments', transaction_id, reasons, amount, file, record, to_json(rows)
    from payment_rows as rows
    where reasons <> ''
    union all
    select 'shipments', shipment_id, reasons, shipping_cost, file, record, to_json(rows)
    from shipment_rows as rows
    where reasons <> ''
    union all
    select 'inventory', product_id || '|' || warehouse_id, reasons, null, file, record,
        to_json(rows)
    from inventory_rows as rows
    where reasons <> ''
    union all
    select 'clickstream', event_id, reasons, null, file, record, to_json(rows)
    from event_rows as rows
    where reasons <> ''
)

from held;

create temp table clock as
select max(batch_date) as as_of_date
from (
    select max(batch_date) as batch_date from customer_rows
    union all select max(batch_date) from address_rows
    union all select max(batch_date) from product_rows
    union all select max(batch_date) from order_rows
    union all select max(batch_date) from order_item_rows
    union all select max(batch_date) from payment_rows
    union all select max(batch_date) from shipment_rows
    union all select max(batch_date) from inventory_rows
    union all select max(batch_date) from event_rows
);
