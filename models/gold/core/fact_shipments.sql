with shipments as (
    select *
    from {{ ref('shipments') }}
    where {{ is_touched() }}
),

orders as (
    select
        order_id,
        cast(order_date as date) as ordered_date
    from {{ ref('orders') }}
    where {{ is_touched() }}
),

-- The inner join leaves out shipments of deleted orders; an order has one row.
shipments_with_days as (
    select
        shipments.*,
        {{ days_between('orders.ordered_date', 'shipments.actual_delivery') }} as delivery_days,
        -- What has not arrived is late by the business clock, once its promised day is over.
        coalesce(
            shipments.actual_delivery,
            case
                when business_clock.as_of_date > shipments.estimated_delivery
                    then business_clock.as_of_date
            end
        ) as late_until
    from shipments
    inner join orders on shipments.order_id = orders.order_id
    cross join {{ ref('business_clock') }} as business_clock
)

select
    shipment_id,
    order_id,
    carrier,
    service_type,
    warehouse_id,
    shipping_cost,
    estimated_delivery,
    actual_delivery,
    delivery_days,
    {{ days_between('estimated_delivery', 'late_until') }} as delay_days,
    {{ classify_delivery('actual_delivery is not null', 'delay_days') }} as delivery_performance,
    shipping_status
from shipments_with_days
