-- What people read of days and customers.

create table agg_daily_sales as
with placed as (
    select
        as_day(ordered_at) as date_day, coalesce(channel, 'unknown') as channel,
        count(*) as orders, count(distinct customer_id) as customers,
        coalesce(sum(shipping_amount) filter (where is_revenue), 0)::decimal(38, 2)
            as shipping_amount,
        count(*) filter (where is_revenue) as revenue_orders,
        count(*) filter (where order_status = 'cancelled') as cancelled_orders,
        count(*) filter (where order_status in ('returned', 'refunded')) as returned_orders
    from fact_orders
    group by all
),

sold as (
    select
        as_day(ordered_at) as date_day, coalesce(channel, 'unknown') as channel,
        sum(quantity) as units, sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount, sum(net_amount) as net_amount,
        sum(margin_amount) as margin_amount
    from fact_sales
    where is_revenue
    group by all
)

select
    date_day, channel, orders, customers, coalesce(units, 0) as units,
    coalesce(gross_amount, 0)::decimal(38, 2) as gross_amount,
    coalesce(discount_amount, 0)::decimal(38, 2) as discount_amount,
    coalesce(net_amount, 0)::decimal(38, 2) as net_amount,
    coalesce(margin_amount, 0)::decimal(38, 2) as margin_amount, shipping_amount, revenue_orders,
    quotient(coalesce(net_amount, 0), revenue_orders) as avg_order_value, cancelled_orders,
    returned_orders
from placed
left join sold using (date_day, channel);

create table customer_orders as
with homes as (
    select customer_id, city, state, country
    from addresses
    qualify row_number() over (partition by customer_id order by changed_at desc, address_id) = 1
),

totals as (
    select
        customer_id, count(*) as orders_placed,
        count(*) filter (where is_revenue) as total_orders,
        coalesce(sum(units) filter (where is_revenue), 0) as total_items,
        coalesce(sum(net_amount) filter (where is_revenue), 0) as total_order_amount,
        min(ordered_at) as first_ordered_at, max(ordered_at) as last_ordered_at,
        count(*) filter (where order_status in ('returned', 'refunded')) as returned,
        count(*) filter (where order_status = 'cancelled') as cancelled
    from fact_orders
    group by customer_id
),

complete as (
    select
        customers.customer_id, city, state, country,
        coalesce(orders_placed, 0) as orders_placed, coalesce(total_orders, 0) as total_orders,
        coalesce(total_items, 0) as total_items,
        coalesce(total_order_amount, 0)::decimal(38, 2) as total_order_amount, first_ordered_at,
        last_ordered_at, returned, cancelled
    from customers
    left join homes on customers.customer_id = homes.customer_id
    left join totals on customers.customer_id = totals.customer_id
)

select
    * exclude (returned, cancelled),
    quotient(total_order_amount, total_orders) as avg_order_value,
    coalesce(returned / nullif(orders_placed, 0), 0) as return_rate,
    coalesce(cancelled / nullif(orders_placed, 0), 0) as cancel_rate,
    case
        when total_order_amount >= 1000 and total_orders >= 5 then 'VIP'
        when total_order_amount >= 500 and total_orders >= 3 then 'High Value'
        when total_order_amount >= 200 and total_orders >= 2 then 'Medium Value'
        else 'Low Value'
    end as customer_segment
from complete;

create table customer_rfm as
with figures as (
    select
        customer_id, date_diff('day', as_day(max(ordered_at)), any_value(as_of_date))
            as recency_days,
        count(*) as frequency, sum(net_amount)::decimal(38, 2) as monetary
    from fact_orders
    semi join customers using (customer_id)
    cross join clock
    where is_revenue
    group by customer_id
),

scores as (
    select
        *,
        1 + (5 * (rank() over (order by recency_days desc) - 1)) // count(*) over () as r_score,
        1 + (5 * (rank() over (order by frequency) - 1)) // count(*) over () as f_score,
        1 + (5 * (rank() over (order by monetary) - 1)) // count(*) over () as m_score
    from figures
)

select
    *,
    r_score + f_score + m_score as rfm_score,
    case
        when rfm_score >= 13 then 'Champions'
        when rfm_score >= 10 then 'Loyal Customers'
        when rfm_score >= 7 then 'Potential Loyalists'
        when rfm_score >= 5 then 'At Risk'
        else 'Hibernating'
    end as rfm_segment
from scores;
