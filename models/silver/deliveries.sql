-- Arrival decides which of several files with the same bytes was loaded; the others are duplicates
-- and deliver its rows once more.
with delivered_files as (
    select
        file_id,
        feed,
        sha256,
        file_name,
        batch_date,
        status
    from {{ source('bronze', 'files') }}
    where status in ('loaded', 'duplicate')
)

select
    delivered_files.file_id as delivery_id,
    loaded_files.file_id,
    loaded_files.feed,
    delivered_files.file_name,
    delivered_files.batch_date
from delivered_files
inner join delivered_files as loaded_files
    on delivered_files.feed = loaded_files.feed
    and delivered_files.sha256 = loaded_files.sha256
    and (delivered_files.file_id = loaded_files.file_id or delivered_files.status = 'duplicate')
where loaded_files.status = 'loaded'
