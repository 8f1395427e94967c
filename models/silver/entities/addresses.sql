with newest as (
    {{ newest_rows('addresses') }}
)

select
    newest.address_id,
    newest.customer_id,
    newest.city,
    newest.state,
    newest.postcode,
    newest.country,
    newest.updated_at,
    newest._sequence_at,
    newest._batch_date,
    newest._file_id,
    newest._row_number
from newest
