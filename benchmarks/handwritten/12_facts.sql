-- Facts, each line with the versions valid at its own time.

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

create table fact_inventory as
with counted as (
    select
        inventory.*, greatest(quantity_on_hand, 0) as on_hand,
        on_hand - coalesce(quantity_reserved, 0) as available,
        coalesce(available <= reorder_point, false) as needs_reorder
    from inventory
)

select
    day_key(snapshot_date) as snapshot_date_key,
    coalesce(dim_product.product_key, '-1') as product_key, counted.product_id, warehouse_id,
    on_hand as quantity_on_hand, quantity_reserved, available as quantity_available,
    reorder_point, needs_reorder,
    case when available <= 0 then 'Out of Stock' when needs_reorder then 'Reorder Required'
        when available <= reorder_point * 1.5 then 'Low Stock' else 'In Stock' end as stock_status,
    (on_hand::decimal(10, 0) * dim_product.cost_price)::decimal(28, 2) as stock_value,
    counted.quantity_on_hand < 0 as had_negative_stock
from counted
left join dim_product
    on counted.product_id = dim_product.product_id
    and counted.snapshot_date >= dim_product.valid_from
    and (counted.snapshot_date < dim_product.valid_to or dim_product.valid_to is null);

create table fact_sessions as
with sessions as (
    select
        session_id,
        max_by(customer_id, (happened_at, event_id)) filter (where customer_id is not null)
            as customer_id,
        min(happened_at) as started_at, max(happened_at) as ended_at, count(*) as events,
        count(*) filter (where event_type in ('page_view', 'view')) as page_views,
        count(*) filter (where event_type = 'product_view') as product_views,
        count(*) filter (where event_type in ('add_to_cart', 'cart_add')) as cart_adds,
        count(*) filter (where stage_rank = 4) as checkouts,
        count(*) filter (where stage_rank = 5) as purchases,
        count(*) filter (where event_type = 'search') as searches,
        max(coalesce(stage_rank, 1)) as stage_rank
    from events
    left join event_types using (event_type)
    group by session_id
)

select
    session_id, day_key(started_at) as date_key,
    coalesce(dim_customer.customer_key, '-1') as customer_key, started_at, ended_at,
    (epoch(ended_at) - epoch(started_at))::bigint as duration_seconds, events, page_views,
    product_views, cart_adds, checkouts, searches,
    ['visit', 'product_view', 'cart', 'checkout', 'purchase'][stage_rank] as reached_stage,
    events = 1 as is_bounce, purchases > 0 as converted
from sessions
left join dim_customer
    on sessions.customer_id = dim_customer.customer_id
    and started_at >= dim_customer.valid_from
    and (started_at < dim_customer.valid_to or dim_customer.valid_to is null);
