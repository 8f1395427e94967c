-- What was known of a customer at the end of each Sunday, and what came of it.

create temp table sundays as
select distinct batch_date::date + (7 - isodow(batch_date))::integer as as_of_date
from (select batch_date from customer_rows union select batch_date from order_rows)
where as_of_date <= (select as_of_date from clock);

create table customer_features as
with customer_spans as (
    select customer_id, loyalty_tier, is_deletion,
        greatest(batch_date::date, changed_at::date) as known_from,
        min(known_from) over (
            partition by customer_id
            order by changed_at desc, batch_date desc, file desc, record desc
            rows between unbounded preceding and 1 preceding
        ) as known_until
    from customer_rows
    where reasons = ''
),

order_spans as (
    select *, greatest(batch_date::date, changed_at::date) as known_from,
        min(known_from) over (
            partition by order_id
            order by changed_at desc, batch_date desc, file desc, record desc
            rows between unbounded preceding and 1 preceding
        ) as known_until
    from order_rows
    where reasons in ('', 'customer_unknown')
),

known_orders as (
    select
        customer_id, as_of_date, ordered_at::date as order_day, as_of_date - order_day as days_ago,
        channel, order_status, is_revenue, if(is_revenue, total_amount, null) as order_amount,
        discount_amount
    from order_spans
    inner join sundays
        on known_from <= as_of_date and (known_until > as_of_date or known_until is null)
        and ordered_at::date <= as_of_date
    where is_revenue is not null
)

select
    known.customer_id, known.as_of_date, known.loyalty_tier,
    max(days_ago) as days_since_first_order, min(days_ago) as days_since_last_order,
    count(*) as orders_placed, count(*) filter (days_ago < 28) as orders_28_days,
    count(*) filter (days_ago < 91) as orders_91_days,
    count(distinct order_day) as days_with_orders, count(distinct channel) as channels,
    count(*) filter (is_revenue) as revenue_orders,
    count(*) filter (order_status = 'cancelled') as cancelled_orders,
    count(*) filter (order_status in ('returned', 'refunded')) as returned_orders,
    count(*) filter (discount_amount > 0) as discounted_orders,
    coalesce(sum(order_amount), 0)::decimal(38, 2) as order_amount,
    coalesce(sum(order_amount) filter (days_ago < 91), 0)::decimal(38, 2) as order_amount_91_days,
    max(order_amount) as largest_order_amount
from (
    select customer_id, loyalty_tier, as_of_date
    from customer_spans
    inner join sundays
        on known_from <= as_of_date and (known_until > as_of_date or known_until is null)
    where not is_deletion
) as known
inner join known_orders
    on known.customer_id = known_orders.customer_id and known.as_of_date = known_orders.as_of_date
group by all
having days_since_last_order < 364;

create table customer_labels as
with observed as (select max(as_of_date) as until from sundays),

revenue as (
    select customer_id, ordered_at::date as order_day, net_amount
    from fact_orders
    where is_revenue and order_day <= (from observed)
),

came as (
    select
        rated.customer_id, rated.as_of_date, observed.until as observed_until,
        observed.until >= rated.as_of_date + 91 as is_observed,
        min(order_day) as next_order_date,
        count(*) filter (order_day <= rated.as_of_date + 91) as orders_next,
        sum(net_amount) filter (order_day <= rated.as_of_date + 91) as net_amount_next
    from customer_features as rated
    cross join observed
    left join revenue
        on rated.customer_id = revenue.customer_id and rated.as_of_date < revenue.order_day
    group by all
)

select
    customer_id, as_of_date, observed_until, next_order_date,
    next_order_date - as_of_date as days_to_next_order,
    if(orders_next > 0, false, if(is_observed, true, null)) as is_churned,
    if(is_observed, orders_next, null) as orders_next_91_days,
    if(is_observed, coalesce(net_amount_next, 0), null)::decimal(38, 2) as net_amount_next_91_days
from came;
