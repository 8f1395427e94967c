with newest as (
    {{ newest_rows('inventory') }}
)

select
    newest.product_id,
    newest.warehouse_id,
    newest.snapshot_date,
    greatest(newest.quantity_on_hand, 0) as quantity_on_hand,
    newest.quantity_reserved,
    newest.reorder_point,
    newest.reorder_quantity,
    newest.last_restock_date,
    newest.quantity_on_hand < 0 as had_negative_stock,
    newest._sequence_at,
    newest._batch_date,
    newest._file_id,
    newest._row_number
from newest
