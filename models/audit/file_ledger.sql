-- Files name batches, whose tests come first. depends_on: {{ source('bronze', 'batches') }}
select
    file_id,
    file_name,
    feed,
    batch_id,
    batch_date,
    status,
    -- What a person wrote about a file that was taken back may name people.
    case when status = 'discarded' then reason end as discard_reason,
    size_bytes,
    rows_read,
    rows_loaded,
    rows_rejected,
    duplicate_of,
    superseded_by,
    loaded_at
from {{ source('bronze', 'files') }}
