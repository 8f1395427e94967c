with newest as (
    {{ newest_rows('order_items') }}
)

select
    newest.item_id,
    newest.order_id,
    newest.product_id,
    newest.quantity,
    newest.unit_price,
    newest.discount_percent,
    newest.item_status,
    newest.created_at,
    newest.updated_at,
    newest._sequence_at,
    newest._batch_date,
    newest._file_id,
    newest._row_number
from newest
