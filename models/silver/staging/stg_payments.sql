with typed as (
    {{ typed_rows('payments') }}
),

known_orders as (
    select order_id from {{ ref('known_orders') }}
),

known_currencies as (
    {{ known_in_lookup('typed', 'currency', 'transaction_timestamp', 'currencies', 'currency') }}
),

known_statuses as (
    {{ known_in_lookup(
        'typed', 'status', 'transaction_timestamp', 'payment_statuses', 'raw_status'
    ) }}
),

in_context as (
    select
        typed.*,
        known_orders.order_id is not null as is_order_known,
        typed.currency is null or known_currencies.currency is not null as is_currency_known,
        typed.status is null or known_statuses.status is not null as is_status_known
    from typed
    left join known_orders on typed.order_id = known_orders.order_id
    left join known_currencies
        on typed.currency = known_currencies.currency
        and cast(typed.transaction_timestamp as date) is not distinct from known_currencies.day
    left join known_statuses
        on typed.status = known_statuses.status
        and cast(typed.transaction_timestamp as date) is not distinct from known_statuses.day
)

{{ judged_rows('payments', 'in_context') }}
