-- depends_on: {{ ref('lookup_values') }}
with newest as (
    {{ newest_rows('payments') }}
)

select
    newest.transaction_id,
    newest.order_id,
    newest.payment_method,
    newest.card_type,
    newest.amount,
    upper(newest.currency) as currency,
    coalesce(payment_statuses.status, upper(newest.status)) as status,
    newest.gateway_response_code,
    newest.is_international,
    newest.transaction_timestamp,
    newest.risk_score,
    newest._sequence_at,
    newest._batch_date,
    newest._file_id,
    newest._row_number
from newest
-- Windows of one status do not overlap (a test of the seed): at most one row each.
left join {{ ref('payment_statuses') }} as payment_statuses
    on lower(newest.status) = lower(trim(payment_statuses.raw_status))
    and {{ in_window('payment_statuses', 'cast(newest.transaction_timestamp as date)') }}
