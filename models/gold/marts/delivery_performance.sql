with shipments as (
    select
        shipments.*,
        cast(date_trunc('month', orders.ordered_at) as date) as month,  -- noqa: RF04
        coalesce(shipments.carrier, 'unknown') as carrier_name,
        shipments.delivery_performance = 'Pending' and shipments.delay_days > 0 as is_overdue
    from {{ ref('fact_shipments') }} as shipments
    -- An order has one row.
    inner join {{ ref('fact_orders') }} as orders on shipments.order_id = orders.order_id
),

shipments_per_month as (
    select
        carrier_name as carrier,
        month,
        count(*) as shipments,
        count(actual_delivery) as delivered,
        count(*) filter (where delivery_performance = 'Pending') as undelivered,
        count(*) filter (where is_overdue) as overdue,
        count(*) filter (where delivery_performance = 'On Time') as on_time,
        count(*) filter (where delivery_performance = 'Slightly Delayed') as slightly_delayed,
        count(*) filter (where delivery_performance = 'Delayed') as delayed,  -- noqa: RF04
        sum(delivery_days) as total_delivery_days,
        sum(delay_days) filter (where actual_delivery is not null and delay_days > 0)
            as total_late_days,
        count(shipping_cost) as shipments_with_cost,
        cast(coalesce(sum(shipping_cost), 0) as decimal(38, 2)) as shipping_cost
    from shipments
    group by 1, 2
)

select
    carrier,
    month,
    shipments,
    delivered,
    undelivered,
    overdue,
    on_time,
    slightly_delayed,
    delayed,
    cast(on_time as double) / nullif(delivered, 0) as on_time_rate,
    cast(total_delivery_days as double) / nullif(delivered, 0) as avg_delivery_days,
    cast(total_late_days as double) / nullif(slightly_delayed + delayed, 0) as avg_days_late,
    shipping_cost,
    {{ divide_amounts('shipping_cost', 'shipments_with_cost') }} as avg_shipping_cost
from shipments_per_month
