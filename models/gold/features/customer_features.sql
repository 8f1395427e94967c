{%- set is_reported -%}
    (
        is_accepted
        or {{ list_length('rejection_reasons') }} = 1
        and array_contains(rejection_reasons, 'customer_unknown')
    )
{%- endset -%}

-- A full list deletes without a report: depends_on: {{ ref('orders') }}
-- Also orders whose customer came later. Whether he did is not to be seen before: who is not known
-- has no row here.
with order_reports as (
    select *
    from (
        {{ changes(
            'orders', counted=is_reported, staged=ref('stg_orders'), delivered_files=ref('deliveries')
        ) }}
    ) as reports
    {% if is_touched() | trim != 'true' -%}
    -- A report may have taken an order from one customer to another: it concerns both.
    where order_id in (select order_id from {{ ref('stg_orders') }} where {{ is_touched() }})
    {%- endif %}
),

order_spans as (
    {{ known_spans('orders', 'order_reports') }}
),

customer_reports as (
    select *
    from (
        {{ changes(
            'customers', staged=ref('stg_customers'), delivered_files=ref('deliveries')
        ) }}
    ) as reports
    where {{ is_touched() }}
),

customer_spans as (
    {{ known_spans('customers', 'customer_reports') }}
),

known_customers as (
    select
        customer_spans.customer_id,
        as_of_dates.as_of_date,
        customer_spans.loyalty_tier
    from customer_spans
    inner join {{ ref('as_of_dates') }} as as_of_dates
        on {{ is_known_on('customer_spans', 'as_of_dates.as_of_date') }}
    where not customer_spans.is_deletion
),

-- Windows of one status do not overlap (a test of the seed): at most one row each.
known_orders as (
    select
        order_spans.customer_id,
        as_of_dates.as_of_date,
        cast(order_spans.order_date as date) as order_day,
        {{ days_between('order_spans.order_date', 'as_of_dates.as_of_date') }} as days_ago,
        order_spans.channel,
        lower(order_spans.order_status) as order_status,
        order_statuses.is_revenue,
        case when order_statuses.is_revenue then order_spans.total_amount end as order_amount,
        order_spans.discount_amount
    from order_spans
    inner join {{ ref('as_of_dates') }} as as_of_dates
        on {{ is_known_on('order_spans', 'as_of_dates.as_of_date') }}
        and cast(order_spans.order_date as date) <= as_of_dates.as_of_date
    inner join {{ ref('order_statuses') }} as order_statuses
        on lower(order_spans.order_status) = lower(trim(order_statuses.status))
        and {{ in_window('order_statuses', 'cast(order_spans.order_date as date)') }}
    where not order_spans.is_deletion and {{ is_touched(['order_spans.customer_id']) }}
)

select
    known_customers.customer_id,
    known_customers.as_of_date,
    known_customers.loyalty_tier,
    max(known_orders.days_ago) as days_since_first_order,
    min(known_orders.days_ago) as days_since_last_order,
    count(*) as orders_placed,
    count(*) filter (where known_orders.days_ago < 28) as orders_28_days,
    count(*) filter (where known_orders.days_ago < 91) as orders_91_days,
    count(distinct known_orders.order_day) as days_with_orders,
    count(distinct known_orders.channel) as channels,
    count(*) filter (where known_orders.is_revenue) as revenue_orders,
    count(*) filter (where known_orders.order_status = 'cancelled') as cancelled_orders,
    count(*) filter (where known_orders.order_status in ('returned', 'refunded'))
        as returned_orders,
    count(*) filter (where known_orders.discount_amount > 0) as discounted_orders,
    cast(coalesce(sum(known_orders.order_amount), 0) as decimal(38, 2)) as order_amount,
    cast(
        coalesce(sum(known_orders.order_amount) filter (where known_orders.days_ago < 91), 0)
        as decimal(38, 2)
    ) as order_amount_91_days,
    max(known_orders.order_amount) as largest_order_amount
from known_customers
inner join known_orders
    on known_customers.customer_id = known_orders.customer_id
    and known_customers.as_of_date = known_orders.as_of_date
group by all
having min(known_orders.days_ago) < 364
