-- Facts of orders, each line with the versions valid at its own time.

create table fact_sales as
with lines as (
    select
        items.item_id, items.order_id, orders.ordered_at, orders.customer_id, items.product_id,
        coalesce(dim_customer.customer_key, '-1') as customer_key,
        coalesce(dim_address.address_key, '-1') as address_key,
        coalesce(dim_product.product_key, '-1') as product_key,
        orders.order_status, items.item_status, orders.channel, orders.payment_method,
        items.quantity, items.unit_price, items.discount_percent, orders.currency,
        orders.is_revenue,
        (items.quantity::decimal(10, 0) * items.unit_price)::decimal(18, 2) as gross_amount,
        round(
            items.quantity::decimal(10, 0) * items.unit_price
            * (100 - coalesce(items.discount_percent, 0)) * 0.01,
            2
        )::decimal(18, 2) as net_amount,
        (items.quantity::decimal(10, 0) * dim_product.cost_price)::decimal(18, 2) as cost_amount
    from order_items as items
    inner join orders on items.order_id = orders.order_id
    left join dim_customer
        on orders.customer_id = dim_customer.customer_id
        and orders.ordered_at >= dim_customer.valid_from
        and (orders.ordered_at < dim_customer.valid_to or dim_customer.valid_to is null)
    left join dim_address
        on orders.shipping_address_id = dim_address.address_id
        and orders.ordered_at >= dim_address.valid_from
        and (orders.ordered_at < dim_address.valid_to or dim_address.valid_to is null)
    left join dim_product
        on items.product_id = dim_product.product_id
        and orders.ordered_at >= dim_product.valid_from
        and (orders.ordered_at < dim_product.valid_to or dim_product.valid_to is null)
)

select
    *,
    day_key(ordered_at) as order_date_key,
    gross_amount - net_amount as discount_amount,
    net_amount - cost_amount as margin_amount
from lines;

create table fact_payments as
select
    payments.transaction_id, payments.order_id, day_key(payments.transaction_at) as date_key,
    coalesce(dim_customer.customer_key, '-1') as customer_key, payments.amount, payments.currency,
    payments.payment_method, payments.status, payments.risk_score, payments.is_international,
    payments.transaction_at
from payments
inner join orders on payments.order_id = orders.order_id
left join dim_customer
    on orders.customer_id = dim_customer.customer_id
    and payments.transaction_at >= dim_customer.valid_from
    and (payments.transaction_at < dim_customer.valid_to or dim_customer.valid_to is null);

create table fact_shipments as
with dated as (
    select
        shipments.*,
        date_diff('day', as_day(orders.ordered_at), actual_delivery) as delivery_days,
        coalesce(
            actual_delivery, if(clock.as_of_date > estimated_delivery, clock.as_of_date, null)
        ) as late_until
    from shipments
    inner join orders on shipments.order_id = orders.order_id
    cross join clock
)

select
    shipment_id, order_id, carrier, service_type, warehouse_id, shipping_cost,
    estimated_delivery, actual_delivery, delivery_days,
    date_diff('day', estimated_delivery, late_until) as delay_days,
    speed(actual_delivery is not null, delay_days) as delivery_performance, shipping_status
from dated;

create table fact_orders as
with lines as (
    select order_id, count(*) as item_count, sum(quantity) as units,
        sum(gross_amount) as gross_amount, sum(net_amount) as net_amount
    from fact_sales
    group by order_id
),

paid as (
    select order_id, sum(amount) as paid_amount, min(transaction_at) as paid_at
    from fact_payments
    where status = 'SUCCESS'
    group by order_id
),

delivered as (
    select
        order_id, count(*) = count(actual_delivery) as is_delivered,
        if(is_delivered, max(actual_delivery), null) as delivered_on,
        if(is_delivered, max(delay_days), null) as late_days
    from fact_shipments
    group by order_id
),

departed as (
    select shipments.order_id, min(reports.changed_at) as shipped_at
    from shipments
    inner join shipment_rows as reports on shipments.shipment_id = reports.shipment_id
    where reports.reasons = ''
    group by shipments.order_id
)

select
    orders.order_id, day_key(orders.ordered_at) as order_date_key, orders.ordered_at,
    coalesce(dim_customer.customer_key, '-1') as customer_key, orders.customer_id,
    orders.order_status, orders.channel, coalesce(lines.item_count, 0) as item_count,
    coalesce(lines.units, 0) as units,
    coalesce(lines.gross_amount, 0)::decimal(38, 2) as gross_amount,
    coalesce(lines.net_amount, 0)::decimal(38, 2) as net_amount, orders.shipping_amount,
    coalesce(paid.paid_amount, 0)::decimal(38, 2) as paid_amount, paid.paid_at,
    departed.shipped_at, delivered.delivered_on::timestamp as delivered_at,
    paid.paid_at is not null as is_paid,
    date_diff('day', as_day(orders.ordered_at), delivered.delivered_on) as days_to_deliver,
    speed(coalesce(delivered.is_delivered, false), delivered.late_days) as delivery_performance,
    orders.is_revenue
from orders
left join lines on orders.order_id = lines.order_id
left join paid on orders.order_id = paid.order_id
left join delivered on orders.order_id = delivered.order_id
left join departed on orders.order_id = departed.order_id
left join dim_customer
    on orders.customer_id = dim_customer.customer_id
    and orders.ordered_at >= dim_customer.valid_from
    and (orders.ordered_at < dim_customer.valid_to or dim_customer.valid_to is null);
