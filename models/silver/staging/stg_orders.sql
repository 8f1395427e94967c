with typed as (
    {{ typed_rows('orders') }}
),

known_customers as (
    select customer_id from {{ ref('known_customers') }}
),

customers as (
    select
        customer_id,
        registration_date
    from {{ ref('customers') }}
),

known_statuses as (
    {{ lookup_windows('order_statuses', 'status') }}
),

in_context as (
    select
        typed.*,
        known_customers.customer_id is not null as is_customer_known,
        customers.registration_date as customer_registration_date,
        typed.order_status is null or known_statuses.looked_up is not null as is_status_known,
        {{ not_in_future('typed.order_date') }} as is_order_date_not_in_future
    from typed
    left join known_customers on typed.customer_id = known_customers.customer_id
    left join customers on typed.customer_id = customers.customer_id
    left join known_statuses
        on {{ is_in_lookup('known_statuses', 'typed.order_status', 'typed.order_date') }}
)

{{ judged_rows('orders', 'in_context') }}
