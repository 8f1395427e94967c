-- What of all feeds is held back, and the day gold is as of.

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
