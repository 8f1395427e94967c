select
    {% if var('as_of_date') -%}
    cast('{{ var("as_of_date") }}' as date)
    {%- else -%}
    max(batch_date)
    {%- endif %} as as_of_date
from {{ ref('files_that_count') }}
