with customers as (
    select customer_id
    from {{ ref('customers') }}
    where {{ is_touched() }}
),

newest_addresses as (
    select
        customer_id,
        city,
        state,
        country
    from {{ ref('addresses') }}
    where {{ is_touched() }}
    qualify
        row_number() over (
            partition by customer_id order by _sequence_at desc, address_id asc
        ) = 1
),

orders_per_customer as (
    select
        customer_id,
        count(*) as orders_placed,
        count(*) filter (where is_revenue) as total_orders,
        coalesce(sum(units) filter (where is_revenue), 0) as total_items,
        coalesce(sum(net_amount) filter (where is_revenue), 0) as total_order_amount,
        min(ordered_at) as first_ordered_at,
        max(ordered_at) as last_ordered_at,
        count(*) filter (where order_status in ('returned', 'refunded')) as returned_orders,
        count(*) filter (where order_status = 'cancelled') as cancelled_orders
    from {{ ref('fact_orders') }}
    where {{ is_touched() }}
    group by customer_id
),

-- Everything joined has one row per customer.
customer_totals as (
    select
        customers.customer_id,
        newest_addresses.city,
        newest_addresses.state,
        newest_addresses.country,
        coalesce(orders_per_customer.orders_placed, 0) as orders_placed,
        coalesce(orders_per_customer.total_orders, 0) as total_orders,
        cast(coalesce(orders_per_customer.total_items, 0) as decimal(38, 0)) as total_items,
        cast(coalesce(orders_per_customer.total_order_amount, 0) as decimal(38, 2))
            as total_order_amount,
        orders_per_customer.first_ordered_at,
        orders_per_customer.last_ordered_at,
        coalesce(orders_per_customer.returned_orders, 0) as returned_orders,
        coalesce(orders_per_customer.cancelled_orders, 0) as cancelled_orders
    from customers
    left join newest_addresses on customers.customer_id = newest_addresses.customer_id
    left join orders_per_customer on customers.customer_id = orders_per_customer.customer_id
)

select
    customer_id,
    city,
    state,
    country,
    orders_placed,
    total_orders,
    total_items,
    total_order_amount,
    {{ divide_amounts('total_order_amount', 'total_orders') }} as avg_order_value,
    first_ordered_at,
    last_ordered_at,
    coalesce(cast(returned_orders as double) / nullif(orders_placed, 0), 0) as return_rate,
    coalesce(cast(cancelled_orders as double) / nullif(orders_placed, 0), 0) as cancel_rate,
    case
        when total_order_amount >= 1000 and total_orders >= 5 then 'VIP'
        when total_order_amount >= 500 and total_orders >= 3 then 'High Value'
        when total_order_amount >= 200 and total_orders >= 2 then 'Medium Value'
        else 'Low Value'
    end as customer_segment
from customer_totals
