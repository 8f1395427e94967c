{#
  Per file and expectation of a feed: how many rows it judged and how many failed it, of touched files,
  in one scan.
#}
{% macro expectation_counts(feed) %}
    {%- set staged = ref('stg_' ~ feed) -%}
    {%- if execute -%}
    {%- set judged = {
        'all': 'true', 'upserts': 'not is_deletion', 'deletions': 'is_deletion'
    } -%}
    {%- set found = expectations(feed) %}
    select
        counts.file_id,
        '{{ feed }}' as feed,
        counted.expectation,
        counted.rows_checked,
        counted.rows_failed
    from (
        select
            _file_id as file_id
            {%- for expectation in found %},
            count(*) filter (where {{ judged[expectation.judges] }}) as checked_{{ loop.index }},
            count(*) filter (where array_contains(
                {{ 'warnings' if expectation.action == 'warn' else 'rejection_reasons' }},
                '{{ expectation.name }}'
            )) as failed_{{ loop.index }}
            {%- endfor %}
        from {{ staged }}
        where {{ is_touched(['_file_id']) }}
        group by _file_id
    ) as counts
    cross join lateral (
        values
        {%- for expectation in found %}
        ('{{ expectation.name }}', counts.checked_{{ loop.index }}, counts.failed_{{ loop.index }})
        {{- ',' if not loop.last }}
        {%- endfor %}
    ) as counted (expectation, rows_checked, rows_failed)
    {%- endif -%}
{% endmacro %}
