with revenue_orders as (
    select
        customer_id,
        year(ordered_at) * 12 + month(ordered_at) as month_index,
        cast(date_trunc('month', ordered_at) as date) as order_month,
        net_amount
    from {{ ref('fact_orders') }}
    where is_revenue
),

first_orders as (
    select
        customer_id,
        min(month_index) as first_month_index,
        min(order_month) as cohort_month
    from revenue_orders
    group by customer_id
),

cohort_sizes as (
    select
        cohort_month,
        count(*) as cohort_customers
    from first_orders
    group by cohort_month
),

-- A customer has one first month.
activity as (
    select
        first_orders.cohort_month,
        revenue_orders.month_index - first_orders.first_month_index as months_since_first,
        count(distinct revenue_orders.customer_id) as active_customers,
        count(*) as orders,
        cast(sum(revenue_orders.net_amount) as decimal(38, 2)) as net_amount
    from revenue_orders
    inner join first_orders on revenue_orders.customer_id = first_orders.customer_id
    group by
        first_orders.cohort_month,
        revenue_orders.month_index - first_orders.first_month_index
)

select
    activity.cohort_month,
    activity.months_since_first,
    cohort_sizes.cohort_customers,
    activity.active_customers,
    cast(activity.active_customers as double) / cohort_sizes.cohort_customers as retention_rate,
    activity.orders,
    activity.net_amount
from activity
inner join cohort_sizes on activity.cohort_month = cohort_sizes.cohort_month
