with newest as (
    {{ newest_rows('products') }}
)

select
    newest.product_id,
    newest.product_name,
    newest.category,
    newest.sub_category,
    newest.brand,
    newest.supplier_id,
    newest.price,
    newest.cost_price,
    upper(newest.currency) as currency,
    newest.weight_kg,
    newest.rating,
    newest.review_count,
    newest.is_active,
    newest.launch_date,
    newest.attributes,
    newest.created_at,
    newest.updated_at,
    newest._sequence_at,
    newest._batch_date,
    newest._file_id,
    newest._row_number
from newest
