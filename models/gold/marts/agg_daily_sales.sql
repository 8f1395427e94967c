{%- set day_of_sale = ['cast(ordered_at as date)', "coalesce(channel, 'unknown')"] -%}
{%- set day_of_report = ['cast(order_date as date)', "coalesce(channel, 'unknown')"] -%}

with orders_per_day as (
    select
        cast(ordered_at as date) as date_day,
        coalesce(channel, 'unknown') as channel,
        count(*) as orders,
        count(distinct customer_id) as customers,
        sum(shipping_amount) filter (where is_revenue) as shipping_amount,
        count(*) filter (where is_revenue) as revenue_orders,
        count(*) filter (where order_status = 'cancelled') as cancelled_orders,
        count(*) filter (where order_status in ('returned', 'refunded')) as returned_orders
    from {{ ref('fact_orders') }}
    where {{ is_touched(day_of_sale) }}
    group by 1, 2
),

revenue_per_day as (
    select
        cast(ordered_at as date) as date_day,
        coalesce(channel, 'unknown') as channel,
        sum(cast(quantity as decimal(19, 0))) as units,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(net_amount) as net_amount,
        sum(margin_amount) as margin_amount
    from {{ ref('fact_sales') }}
    where is_revenue and {{ is_touched(day_of_sale) }}
    group by 1, 2
),

-- Every day and channel that an accepted report of an order ever named: an order that moved or was
-- deleted changes the day it left.
days_of_orders as (
    select distinct
        order_id,
        cast(order_date as date) as date_day,
        coalesce(channel, 'unknown') as channel
    from {{ ref('stg_orders') }}
    where is_accepted and not is_deletion and {{ is_touched(day_of_report) }}
),

batches_per_day as (
    select
        days_of_orders.date_day,
        days_of_orders.channel,
        min(order_batches.first_batch) as first_batch,
        max(order_batches.newest_batch) as newest_batch
    from days_of_orders
    inner join {{ ref('order_batches') }} as order_batches
        on days_of_orders.order_id = order_batches.order_id
    group by 1, 2
)

-- Everything joined has one row per day and channel.
select
    orders_per_day.date_day,
    orders_per_day.channel,
    orders_per_day.orders,
    orders_per_day.customers,
    cast(coalesce(revenue_per_day.units, 0) as decimal(38, 0)) as units,
    cast(coalesce(revenue_per_day.gross_amount, 0) as decimal(38, 2)) as gross_amount,
    cast(coalesce(revenue_per_day.discount_amount, 0) as decimal(38, 2)) as discount_amount,
    cast(coalesce(revenue_per_day.net_amount, 0) as decimal(38, 2)) as net_amount,
    cast(coalesce(revenue_per_day.margin_amount, 0) as decimal(38, 2)) as margin_amount,
    cast(coalesce(orders_per_day.shipping_amount, 0) as decimal(38, 2)) as shipping_amount,
    orders_per_day.revenue_orders,
    {{ divide_amounts('coalesce(revenue_per_day.net_amount, 0)', 'orders_per_day.revenue_orders') }}
        as avg_order_value,
    orders_per_day.cancelled_orders,
    orders_per_day.returned_orders,
    case
        when batches_per_day.newest_batch > batches_per_day.first_batch
            then batches_per_day.newest_batch
    end as restated_at_batch
from orders_per_day
left join revenue_per_day
    on orders_per_day.date_day = revenue_per_day.date_day
    and orders_per_day.channel = revenue_per_day.channel
left join batches_per_day
    on orders_per_day.date_day = batches_per_day.date_day
    and orders_per_day.channel = batches_per_day.channel
