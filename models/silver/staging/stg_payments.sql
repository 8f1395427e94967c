with typed as (
    {{ typed_rows('payments') }}
),

known_orders as (
    select order_id from {{ ref('known_orders') }}
),

known_currencies as (
    {{ lookup_windows('currencies', 'currency') }}
),

known_statuses as (
    {{ lookup_windows('payment_statuses', 'raw_status') }}
),

in_context as (
    select
        typed.*,
        known_orders.order_id is not null as is_order_known,
        typed.currency is null or known_currencies.looked_up is not null as is_currency_known,
        typed.status is null or known_statuses.looked_up is not null as is_status_known
    from typed
    left join known_orders on typed.order_id = known_orders.order_id
    left join known_currencies
        on {{ is_in_lookup('known_currencies', 'typed.currency', 'typed.transaction_timestamp') }}
    left join known_statuses
        on {{ is_in_lookup('known_statuses', 'typed.status', 'typed.transaction_timestamp') }}
)

{{ judged_rows('payments', 'in_context') }}
