{#-
  Earlier builds that held a row back: their number stands in the table as it is; a hook adds this
  build.
-#}
{%- set earlier = adapter.get_relation(this.database, this.schema, this.identifier) -%}

with held_back as (
    {% for feed in var('feeds') %}
    {{ held_back_rows(feed) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

earlier_attempts as (
    {% if earlier -%}
    select
        file_id,
        row_number,
        attempts
    from {{ earlier }}
    {%- else -%}
    select
        cast(null as bigint) as file_id,
        cast(null as bigint) as row_number,
        0 as attempts
    where false
    {%- endif %}
)

select
    held_back.feed,
    held_back.business_key,
    held_back.rejection_reasons,
    coalesce(earlier_attempts.attempts, 0) as attempts,
    held_back.first_seen_batch_date,
    held_back.amount_held,
    held_back.file_name,
    held_back.row_number,
    held_back.original,
    held_back.file_id
from held_back
left join earlier_attempts
    on held_back.file_id = earlier_attempts.file_id
    and held_back.row_number = earlier_attempts.row_number
