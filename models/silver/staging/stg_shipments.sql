with typed as (
    {{ typed_rows('shipments') }}
),

known_orders as (
    select order_id from {{ ref('known_orders') }}
),

orders as (
    select
        order_id,
        order_date
    from {{ ref('orders') }}
),

in_context as (
    select
        typed.*,
        known_orders.order_id is not null as is_order_known,
        cast(orders.order_date as date) as order_day
    from typed
    left join known_orders on typed.order_id = known_orders.order_id
    left join orders on typed.order_id = orders.order_id
)

{{ judged_rows('shipments', 'in_context') }}
