-- Orders and their lines, judged in the same way.

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
