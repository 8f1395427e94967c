-- Which of several files with the same bytes was loaded must not show in what their rows are worth:
-- they take the name and the batch date of the earliest delivery.
select
    file_id,
    feed,
    file_name,
    batch_date
from {{ ref('deliveries') }}
qualify row_number() over (partition by file_id order by batch_date, file_name) = 1
