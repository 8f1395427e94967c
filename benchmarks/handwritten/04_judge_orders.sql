-- Orders, their lines, payments and shipments, judged in the same way.

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
