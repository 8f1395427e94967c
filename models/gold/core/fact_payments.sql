with payments as (
    select *
    from {{ ref('payments') }}
    where {{ is_touched() }}
),

orders as (
    select
        order_id,
        customer_id
    from {{ ref('orders') }}
    where {{ is_touched() }}
)

-- The inner join leaves out payments of deleted orders; an order has one row, and one customer
-- version is valid at an instant.
select
    payments.transaction_id,
    payments.order_id,
    {{ date_key('payments.transaction_timestamp') }} as date_key,
    coalesce(customers.customer_key, '-1') as customer_key,
    payments.amount,
    payments.currency,
    payments.payment_method,
    payments.status,
    payments.risk_score,
    payments.is_international,
    payments.transaction_timestamp as transaction_at,
    orders.customer_id
from payments
inner join orders on payments.order_id = orders.order_id
left join {{ ref('dim_customer') }} as customers
    on orders.customer_id = customers.customer_id
    and {{ is_valid_at('customers', 'payments.transaction_timestamp') }}
