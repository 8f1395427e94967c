-- What people read of parcels, of customers who come back, and of visits.

create table delivery_performance as
with shipped as (
    select
        coalesce(carrier, 'unknown') as carrier,
        date_trunc('month', ordered_at)::date as month, count(*) as shipments,
        count(actual_delivery) as delivered,
        count(*) filter (where facts.delivery_performance = 'Pending') as undelivered,
        count(*) filter (where facts.delivery_performance = 'Pending' and delay_days > 0)
            as overdue,
        count(*) filter (where facts.delivery_performance = 'On Time') as on_time,
        count(*) filter (where facts.delivery_performance = 'Slightly Delayed')
            as slightly_delayed,
        count(*) filter (where facts.delivery_performance = 'Delayed') as delayed,
        sum(delivery_days) as all_days,
        sum(delay_days) filter (where actual_delivery is not null and delay_days > 0) as late_days,
        count(shipping_cost) as with_cost,
        coalesce(sum(shipping_cost), 0)::decimal(38, 2) as shipping_cost
    from fact_shipments as facts
    inner join fact_orders using (order_id)
    group by all
)

select
    * exclude (all_days, late_days, with_cost),
    on_time / nullif(delivered, 0) as on_time_rate,
    all_days::double / nullif(delivered, 0) as avg_delivery_days,
    late_days::double / nullif(slightly_delayed + delayed, 0) as avg_days_late,
    quotient(shipping_cost, with_cost) as avg_shipping_cost
from shipped;

create table cohort_retention as
with months as (
    select
        customer_id, net_amount, date_trunc('month', ordered_at)::date as month,
        min(month) over (partition by customer_id) as cohort_month
    from fact_orders
    where is_revenue
),

active as (
    select
        cohort_month, date_diff('month', cohort_month, month) as months_since_first,
        count(distinct customer_id) as active_customers, count(*) as orders,
        sum(net_amount)::decimal(38, 2) as net_amount
    from months
    group by all
)

select
    *,
    first_value(active_customers) over (
        partition by cohort_month order by months_since_first
    ) as cohort_customers,
    active_customers / cohort_customers as retention_rate
from active;

create table sales_funnel as
with daily as (
    select
        as_day(started_at) as date_day, count(*) as sessions,
        count(*) filter (where is_bounce) as bounced_sessions,
        count(*) filter (where reached_stage <> 'visit') as product_view_sessions,
        count(*) filter (where reached_stage in ('cart', 'checkout', 'purchase'))
            as cart_sessions,
        count(*) filter (where reached_stage in ('checkout', 'purchase')) as checkout_sessions,
        count(*) filter (where reached_stage = 'purchase') as purchase_sessions
    from fact_sessions
    group by all
)

select
    *,
    bounced_sessions / sessions as bounce_rate,
    product_view_sessions / sessions as product_view_rate,
    cart_sessions / nullif(product_view_sessions, 0) as cart_rate,
    checkout_sessions / nullif(cart_sessions, 0) as checkout_rate,
    purchase_sessions / nullif(checkout_sessions, 0) as purchase_rate,
    purchase_sessions / sessions as conversion_rate
from daily;
