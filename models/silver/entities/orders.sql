-- depends_on: {{ ref('lookup_values') }}
with newest as (
    {{ newest_rows('orders') }}
)

select
    newest.order_id,
    newest.customer_id,
    newest.order_date,
    lower(newest.order_status) as order_status,
    newest.total_amount,
    newest.discount_amount,
    newest.shipping_amount,
    upper(newest.currency) as currency,
    newest.payment_method,
    newest.channel,
    newest.shipping_address_id,
    newest.created_at,
    newest.updated_at,
    order_statuses.is_revenue,
    order_statuses.is_final,
    newest._sequence_at,
    newest._batch_date,
    newest._file_id,
    newest._row_number
from newest
-- Windows of one status do not overlap (a test of the seed): at most one row each.
inner join {{ ref('order_statuses') }} as order_statuses
    on lower(newest.order_status) = lower(trim(order_statuses.status))
    and {{ in_window('order_statuses', 'cast(newest.order_date as date)') }}
