-- Rows typed and judged: `reasons` is empty for an accepted row. Of these the newest per key.

create temp table customer_rows as
with typed as (
    select
        clean(customer_id) as customer_id, clean(first_name) as first_name,
        clean(last_name) as last_name, lower(clean(email)) as email, clean(phone) as phone,
        clean(date_of_birth) as born, try_cast(born as date) as date_of_birth,
        clean(gender) as gender, clean(registration_date) as registered,
        try_cast(registered as date) as registration_date, clean(loyalty_tier) as loyalty_tier,
        preferences, clean(created_at) as created, try_cast(created as timestamp) as created_at,
        clean(updated_at) as updated, try_cast(updated as timestamp) as updated_at,
        coalesce(lower(_op) in ('d', 'delete'), false) as is_deletion,
        file, batch_day(file) as batch_date, rowid as record
    from raw_customers
)

select
    * exclude (born, registered, created, updated),
    coalesce(updated_at, batch_date) as changed_at,
    concat_ws(
        ', ',
        case when customer_id is null then 'customer_id_missing' end,
        case when not is_deletion then concat_ws(
            ', ',
            case when born is not null and date_of_birth is null then 'date_of_birth_invalid' end,
            case when registered is not null and registration_date is null
                then 'registration_date_invalid' end,
            case when created is not null and created_at is null then 'created_at_invalid' end,
            case when updated is not null and updated_at is null then 'updated_at_invalid' end,
            case when date_of_birth > batch_date then 'date_of_birth_in_future' end
        ) end
    ).trim(', ') as reasons
from typed;

create temp table customers as
select *
from (
    from customer_rows
    where reasons = ''
    qualify row_number() over (
        partition by customer_id order by changed_at desc, batch_date desc, file desc, record desc
    ) = 1
)
where not is_deletion;

create temp table known_customers as
select distinct customer_id from customer_rows where reasons = '';

create temp table address_rows as
with typed as (
    select
        clean(address_id) as address_id, clean(customer_id) as customer_id,
        clean(address_line_1) as address_line_1, clean(city) as city, clean(state) as state,
        clean(postcode) as postcode, clean(country) as country, clean(updated_at) as updated,
        try_cast(updated as timestamp) as updated_at, file, batch_day(file) as batch_date,
        rowid as record
    from raw_addresses
)

select
    typed.* exclude (updated),
    coalesce(updated_at, batch_date) as changed_at,
    concat_ws(
        ', ',
        case when address_id is null then 'address_id_missing' end,
        case when updated is not null and updated_at is null then 'updated_at_invalid' end,
        case when known.customer_id is null then 'customer_unknown' end
    ) as reasons
from typed
left join known_customers as known on typed.customer_id = known.customer_id;

create temp table addresses as
from address_rows
where reasons = ''
qualify row_number() over (
    partition by address_id order by changed_at desc, batch_date desc, file desc, record desc
) = 1;

create temp table product_rows as
with typed as (
    select
        clean(product_id) as product_id, clean(product_name) as product_name,
        clean(category) as category, clean(sub_category) as sub_category, clean(brand) as brand,
        clean(supplier_id) as supplier_id, clean(price) as price_text,
        try_cast(price_text as decimal(18, 2)) as price, clean(cost_price) as cost_text,
        try_cast(cost_text as decimal(18, 2)) as cost_price, upper(clean(currency)) as currency,
        clean(weight_kg) as weight_text, try_cast(weight_text as decimal(10, 3)) as weight_kg,
        clean(rating) as rating_text, try_cast(rating_text as decimal(4, 2)) as rating,
        clean(review_count) as reviews, try_cast(reviews as bigint) as review_count,
        clean(is_active) as active, try_cast(active as boolean) as is_active,
        clean(launch_date) as launched, try_cast(launched as date) as launch_date, attributes,
        clean(created_at) as created, try_cast(created as timestamp) as created_at,
        clean(updated_at) as updated, try_cast(updated as timestamp) as updated_at,
        file, batch_day(file) as batch_date, rowid as record
    from raw_products
)

select
    * exclude (
        price_text, cost_text, weight_text, rating_text, reviews, active, launched, created, updated
    ),
    coalesce(updated_at, batch_date) as changed_at,
    concat_ws(
        ', ',
        case when product_id is null then 'product_id_missing' end,
        case when product_name is null then 'product_name_missing' end,
        case when price_text is null then 'price_missing' end,
        case when price_text is not null and price is null then 'price_invalid' end,
        case when cost_text is not null and cost_price is null then 'cost_price_invalid' end,
        case when weight_text is not null and weight_kg is null then 'weight_kg_invalid' end,
        case when rating_text is not null and rating is null then 'rating_invalid' end,
        case when reviews is not null and review_count is null then 'review_count_invalid' end,
        case when active is not null and is_active is null then 'is_active_invalid' end,
        case when launched is not null and launch_date is null then 'launch_date_invalid' end,
        case when created is not null and created_at is null then 'created_at_invalid' end,
        case when updated is not null and updated_at is null then 'updated_at_invalid' end,
        case when price <= 0 then 'price_not_positive' end
    ) as reasons
from typed;

create temp table known_products as
select distinct product_id from product_rows where reasons = '';

create temp table order_rows as
with typed as (
    select
        clean(order_id) as order_id, clean(customer_id) as customer_id,
        clean(order_date) as ordered, try_cast(ordered as timestamp) as ordered_at,
        lower(clean(order_status)) as order_status, clean(total_amount) as total_text,
        try_cast(total_text as decimal(18, 2)) as total_amount,
        clean(discount_amount) as discount_text,
        try_cast(discount_text as decimal(18, 2)) as discount_amount,
        clean(shipping_amount) as shipping_text,
        try_cast(shipping_text as decimal(18, 2)) as shipping_amount,
        upper(clean(currency)) as currency, clean(payment_method) as payment_method,
        clean(channel) as channel, clean(shipping_address_id) as shipping_address_id,
        clean(created_at) as created, try_cast(created as timestamp) as created_at,
        clean(updated_at) as updated, try_cast(updated as timestamp) as updated_at,
        file, batch_day(file) as batch_date, rowid as record
    from raw_orders
)

select
    typed.* exclude (ordered, total_text, discount_text, shipping_text, created, updated),
    statuses.is_revenue,
    coalesce(updated_at, batch_date) as changed_at,
    concat_ws(
        ', ',
        case when order_id is null then 'order_id_missing' end,
        case when ordered is null then 'order_date_missing' end,
        case when ordered is not null and ordered_at is null then 'order_date_invalid' end,
        case when order_status is null then 'order_status_missing' end,
        case when total_text is not null and total_amount is null then 'total_amount_invalid' end,
        case when discount_text is not null and discount_amount is null
            then 'discount_amount_invalid' end,
        case when shipping_text is not null and shipping_amount is null
            then 'shipping_amount_invalid' end,
        case when created is not null and created_at is null then 'created_at_invalid' end,
        case when updated is not null and updated_at is null then 'updated_at_invalid' end,
        case when order_status is not null and statuses.status is null
            then 'order_status_unknown' end,
        case when known.customer_id is null then 'customer_unknown' end,
        case when total_amount < 0 then 'total_amount_negative' end
    ) as reasons
from typed
left join order_statuses as statuses on typed.order_status = statuses.status
left join known_customers as known on typed.customer_id = known.customer_id;

create temp table orders as
from order_rows
where reasons = ''
qualify row_number() over (
    partition by order_id order by changed_at desc, batch_date desc, file desc, record desc
) = 1;

create temp table order_item_rows as
with typed as (
    select
        clean(item_id) as item_id, clean(order_id) as order_id, clean(product_id) as product_id,
        clean(quantity) as quantity_text, try_cast(quantity_text as bigint) as quantity,
        clean(unit_price) as price_text, try_cast(price_text as decimal(18, 2)) as unit_price,
        clean(discount_percent) as discount_text,
        try_cast(discount_text as decimal(5, 2)) as discount_percent,
        clean(item_status) as item_status,
        clean(created_at) as created, try_cast(created as timestamp) as created_at,
        clean(updated_at) as updated, try_cast(updated as timestamp) as updated_at,
        file, batch_day(file) as batch_date, rowid as record
    from raw_order_items
)

select
    typed.* exclude (quantity_text, price_text, discount_text, created, updated),
    coalesce(typed.updated_at, typed.batch_date) as changed_at,
    concat_ws(
        ', ',
        case when item_id is null then 'item_id_missing' end,
        case when quantity_text is null then 'quantity_missing' end,
        case when quantity_text is not null and quantity is null then 'quantity_invalid' end,
        case when price_text is null then 'unit_price_missing' end,
        case when price_text is not null and unit_price is null then 'unit_price_invalid' end,
        case when discount_text is not null and discount_percent is null
            then 'discount_percent_invalid' end,
        case when created is not null and typed.created_at is null then 'created_at_invalid' end,
        case when updated is not null and typed.updated_at is null then 'updated_at_invalid' end,
        case when orders.order_id is null then 'order_unknown' end,
        case when known.product_id is null then 'product_unknown' end,
        case when quantity <= 0 then 'quantity_not_positive' end,
        case when unit_price <= 0 then 'unit_price_not_positive' end,
        case when discount_percent not between 0 and 100
            then 'discount_percent_out_of_range' end
    ) as reasons
from typed
left join orders on typed.order_id = orders.order_id
left join known_products as known on typed.product_id = known.product_id;

create temp table order_items as
from order_item_rows
where reasons = ''
qualify row_number() over (
    partition by item_id order by changed_at desc, batch_date desc, file desc, record desc
) = 1;

create temp table payment_rows as
with typed as (
    select
        clean(transaction_id) as transaction_id, clean(order_id) as order_id,
        clean(payment_method) as payment_method, clean(amount) as amount_text,
        try_cast(amount_text as decimal(18, 2)) as amount, upper(clean(currency)) as currency,
        clean(status) as raw_status, clean(is_international) as international,
        try_cast(international as boolean) as is_international,
        clean(transaction_timestamp) as happened,
        try_cast(happened as timestamp) as transaction_at, clean(risk_score) as risk_text,
        try_cast(risk_text as bigint) as risk_score,
        file, batch_day(file) as batch_date, rowid as record
    from raw_payments
)

select
    typed.* exclude (amount_text, raw_status, international, happened, risk_text),
    coalesce(statuses.status, upper(typed.raw_status)) as status,
    coalesce(transaction_at, typed.batch_date) as changed_at,
    concat_ws(
        ', ',
        case when transaction_id is null then 'transaction_id_missing' end,
        case when amount_text is null then 'amount_missing' end,
        case when amount_text is not null and amount is null then 'amount_invalid' end,
        case when international is not null and is_international is null
            then 'is_international_invalid' end,
        case when happened is null then 'transaction_timestamp_missing' end,
        case when happened is not null and transaction_at is null
            then 'transaction_timestamp_invalid' end,
        case when risk_text is not null and risk_score is null then 'risk_score_invalid' end,
        case when orders.order_id is null then 'order_unknown' end,
        case when amount < 0 then 'amount_negative' end
    ) as reasons
from typed
left join orders on typed.order_id = orders.order_id
left join payment_statuses as statuses on lower(typed.raw_status) = statuses.raw_status;

create temp table payments as
from payment_rows
where reasons = ''
qualify row_number() over (
    partition by transaction_id order by changed_at desc, batch_date desc, file desc, record desc
) = 1;

create temp table shipment_rows as
with typed as (
    select
        clean(shipment_id) as shipment_id, clean(order_id) as order_id, clean(carrier) as carrier,
        clean(service_type) as service_type, clean(warehouse_id) as warehouse_id,
        clean(shipping_cost) as cost_text, try_cast(cost_text as decimal(18, 2)) as shipping_cost,
        clean(package_weight_kg) as weight_text,
        try_cast(weight_text as decimal(10, 3)) as package_weight_kg,
        clean(estimated_delivery) as estimated, try_cast(estimated as date) as estimated_delivery,
        clean(actual_delivery) as actual, try_cast(actual as date) as actual_delivery,
        clean(shipping_status) as shipping_status, clean(updated_at) as updated,
        try_cast(updated as timestamp) as updated_at,
        file, batch_day(file) as batch_date, rowid as record
    from raw_shipments
)

select
    typed.* exclude (cost_text, weight_text, estimated, actual, updated),
    coalesce(typed.updated_at, typed.batch_date) as changed_at,
    concat_ws(
        ', ',
        case when shipment_id is null then 'shipment_id_missing' end,
        case when cost_text is not null and shipping_cost is null then 'shipping_cost_invalid' end,
        case when weight_text is not null and package_weight_kg is null
            then 'package_weight_kg_invalid' end,
        case when estimated is not null and estimated_delivery is null
            then 'estimated_delivery_invalid' end,
        case when actual is not null and actual_delivery is null
            then 'actual_delivery_invalid' end,
        case when updated is not null and typed.updated_at is null then 'updated_at_invalid' end,
        case when orders.order_id is null then 'order_unknown' end,
        case when shipping_cost < 0 then 'shipping_cost_negative' end,
        case when package_weight_kg <= 0 then 'package_weight_kg_not_positive' end
    ) as reasons
from typed
left join orders on typed.order_id = orders.order_id;

create temp table shipments as
from shipment_rows
where reasons = ''
qualify row_number() over (
    partition by shipment_id order by changed_at desc, batch_date desc, file desc, record desc
) = 1;

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
