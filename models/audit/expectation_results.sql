{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='append_new_columns',
        full_refresh=false
    )
}}

with results as (
    {% for feed in var('feeds') %}
    {{ expectation_counts(feed) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    '{{ invocation_id }}' as build_id,
    business_clock.as_of_date as batch_date,
    results.feed,
    results.expectation,
    results.action,
    results.rows_checked,
    results.rows_failed
from results
cross join {{ ref('business_clock') }} as business_clock
