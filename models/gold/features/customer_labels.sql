with rows_to_label as (
    select
        customer_id,
        as_of_date
    from {{ ref('customer_features') }}
    where {{ is_touched() }}
),

-- Labels look ahead as far as the last Sunday, so that they change with it and not every day.
observed as (
    select max(as_of_date) as observed_until from {{ ref('as_of_dates') }}
),

revenue_orders as (
    select
        fact_orders.customer_id,
        cast(fact_orders.ordered_at as date) as order_day,
        fact_orders.net_amount
    from {{ ref('fact_orders') }} as fact_orders
    inner join observed on cast(fact_orders.ordered_at as date) <= observed.observed_until
    where fact_orders.is_revenue and {{ is_touched(['fact_orders.customer_id']) }}
),

what_came as (
    select
        rows_to_label.customer_id,
        rows_to_label.as_of_date,
        observed.observed_until,
        observed.observed_until >= rows_to_label.as_of_date + 91 as is_observed,
        min(revenue_orders.order_day) as next_order_date,
        count(*) filter (where revenue_orders.order_day <= rows_to_label.as_of_date + 91)
            as orders_next_91_days,
        sum(
            case
                when revenue_orders.order_day <= rows_to_label.as_of_date + 91
                    then revenue_orders.net_amount
            end
        ) as net_amount_next_91_days
    from rows_to_label
    cross join observed
    left join revenue_orders
        on rows_to_label.customer_id = revenue_orders.customer_id
        and rows_to_label.as_of_date < revenue_orders.order_day
    group by all
)

select
    customer_id,
    as_of_date,
    observed_until,
    next_order_date,
    {{ days_between('as_of_date', 'next_order_date') }} as days_to_next_order,
    case
        when orders_next_91_days > 0 then false
        when is_observed then true
    end as is_churned,
    case when is_observed then orders_next_91_days end as orders_next_91_days,
    cast(case when is_observed then coalesce(net_amount_next_91_days, 0) end as decimal(38, 2))
        as net_amount_next_91_days
from what_came
