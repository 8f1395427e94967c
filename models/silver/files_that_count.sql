with loaded as (
    select
        file_id,
        feed,
        sha256
    from {{ source('bronze', 'files') }}
    where status = 'loaded'
),

deliveries as (
    select
        file_id,
        file_name,
        feed,
        batch_date,
        sha256,
        status
    from {{ source('bronze', 'files') }}
    where status in ('loaded', 'duplicate')
)

-- Arrival decides which of two files with the same bytes was loaded. What their rows are worth must
-- not follow from it: they take the name and the batch date of the earliest delivery.
select
    loaded.file_id,
    loaded.feed,
    deliveries.file_name,
    deliveries.batch_date
from loaded
inner join deliveries
    on loaded.feed = deliveries.feed
    and loaded.sha256 = deliveries.sha256
    and (loaded.file_id = deliveries.file_id or deliveries.status = 'duplicate')
qualify
    row_number() over (
        partition by loaded.file_id order by deliveries.batch_date, deliveries.file_name
    ) = 1
