select
    coalesce(
        cast({% if var('as_of_date') %}'{{ var("as_of_date") }}'{% else %}null{% endif %} as date),
        max(batch_date)
    ) as as_of_date
from {{ ref('files_that_count') }}
