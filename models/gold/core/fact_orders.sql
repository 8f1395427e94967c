with orders as (
    select *
    from {{ ref('orders') }}
    where {{ is_touched() }}
),

lines_per_order as (
    select
        order_id,
        count(*) as item_count,
        sum(cast(quantity as decimal(19, 0))) as units,
        sum(gross_amount) as gross_amount,
        sum(net_amount) as net_amount
    from {{ ref('fact_sales') }}
    where {{ is_touched() }}
    group by order_id
),

payments_per_order as (
    select
        order_id,
        sum(amount) as paid_amount,
        min(transaction_at) as paid_at
    from {{ ref('fact_payments') }}
    where status = 'SUCCESS' and {{ is_touched() }}
    group by order_id
),

-- An order is delivered when its last parcel is, and as late as its latest one.
shipments_per_order as (
    select
        order_id,
        count(*) = count(actual_delivery) as is_delivered,
        case when is_delivered then max(actual_delivery) end as delivered_date,
        case when is_delivered then max(delay_days) end as delay_days
    from {{ ref('fact_shipments') }}
    where {{ is_touched() }}
    group by order_id
),

-- The first accepted report of any parcel: the newest one tells when it arrived.
departures_per_order as (
    select
        shipments.order_id,
        min(reports._sequence_at) as shipped_at
    from {{ ref('shipments') }} as shipments
    inner join {{ ref('stg_shipments') }} as reports
        on shipments.shipment_id = reports.shipment_id
        and reports.is_accepted
        and not reports.is_deletion
    where {{ is_touched(['shipments.order_id']) }}
    group by shipments.order_id
)

-- Everything joined has one row per order, and one customer version is valid at an instant.
select
    orders.order_id,
    {{ date_key('orders.order_date') }} as order_date_key,
    orders.order_date as ordered_at,
    coalesce(customers.customer_key, '-1') as customer_key,
    orders.customer_id,
    orders.order_status,
    orders.channel,
    coalesce(lines_per_order.item_count, 0) as item_count,
    cast(coalesce(lines_per_order.units, 0) as decimal(38, 0)) as units,
    cast(coalesce(lines_per_order.gross_amount, 0) as decimal(38, 2)) as gross_amount,
    cast(coalesce(lines_per_order.net_amount, 0) as decimal(38, 2)) as net_amount,
    orders.shipping_amount,
    cast(coalesce(payments_per_order.paid_amount, 0) as decimal(38, 2)) as paid_amount,
    payments_per_order.paid_at,
    departures_per_order.shipped_at,
    cast(shipments_per_order.delivered_date as timestamp) as delivered_at,
    payments_per_order.paid_at is not null as is_paid,
    {{ days_between('orders.order_date', 'shipments_per_order.delivered_date') }}
        as days_to_deliver,
    {{ classify_delivery(
        'coalesce(shipments_per_order.is_delivered, false)', 'shipments_per_order.delay_days'
    ) }} as delivery_performance,
    orders.is_revenue
from orders
left join lines_per_order on orders.order_id = lines_per_order.order_id
left join payments_per_order on orders.order_id = payments_per_order.order_id
left join shipments_per_order on orders.order_id = shipments_per_order.order_id
left join departures_per_order on orders.order_id = departures_per_order.order_id
left join {{ ref('dim_customer') }} as customers
    on orders.customer_id = customers.customer_id
    and {{ is_valid_at('customers', 'orders.order_date') }}
