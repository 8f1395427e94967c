-- Bytes count once, however often and under whatever names they were delivered: arrival decides
-- which delivery was loaded, and a correction may bring what another file had brought before.
with loaded_bytes as (
    select
        feed,
        sha256,
        min(file_id) as file_id
    from {{ source('bronze', 'files') }}
    where status = 'loaded'
    group by feed, sha256
)

select
    files.file_id as delivery_id,
    loaded_bytes.file_id,
    loaded_bytes.feed,
    files.file_name,
    files.batch_date
from {{ source('bronze', 'files') }} as files
inner join loaded_bytes
    on files.feed = loaded_bytes.feed
    and files.sha256 = loaded_bytes.sha256
where files.status in ('loaded', 'duplicate')
