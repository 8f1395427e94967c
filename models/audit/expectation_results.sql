{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='append_new_columns',
        full_refresh=false
    )
}}
-- Rows name builds, whose tests come first. depends_on: {{ source('audit', 'builds') }}

with all_expectations (feed, expectation, action) as (
    values
    {% for feed in (var('feeds') if execute else []) -%}
    {%- set is_last_feed = loop.last -%}
    {%- for expectation in expectations(feed) -%}
    ('{{ feed }}', '{{ expectation.name }}', '{{ expectation.action }}')
    {{- ',' if not (loop.last and is_last_feed) }}
    {% endfor %}
    {%- endfor %}
),

counts as (
    select
        feed,
        expectation,
        sum(rows_checked) as rows_checked,
        sum(rows_failed) as rows_failed
    from {{ ref('file_expectations') }}
    group by feed, expectation
)

select
    '{{ invocation_id }}' as build_id,
    business_clock.as_of_date as batch_date,
    all_expectations.feed,
    all_expectations.expectation,
    all_expectations.action,
    cast(coalesce(counts.rows_checked, 0) as bigint) as rows_checked,
    cast(coalesce(counts.rows_failed, 0) as bigint) as rows_failed
from all_expectations
left join counts
    on all_expectations.feed = counts.feed
    and all_expectations.expectation = counts.expectation
cross join {{ ref('business_clock') }} as business_clock
