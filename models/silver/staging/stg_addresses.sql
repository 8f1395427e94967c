with typed as (
    {{ typed_rows('addresses') }}
),

known_customers as (
    select customer_id from {{ ref('known_customers') }}
),

in_context as (
    select
        typed.*,
        known_customers.customer_id is not null as is_customer_known
    from typed
    left join known_customers on typed.customer_id = known_customers.customer_id
)

{{ judged_rows('addresses', 'in_context', history=true) }}
