{#
  The history of a feed in business time: one row per version of a key, [valid_from, valid_to), of
  all its accepted rows, so that late, doubled and corrected changes fall into place. Of two rows of
  one instant only the newer counts; a row that repeats its predecessor is no version; a deletion
  ends the last version, and a later row begins a new one after a gap.
#}
{% macro versions(feed) %}
    {%- set changed = changes(feed, history=true) -%}
    {%- if execute -%}
    {%- set key = contract(feed).key | join(', ') -%}
    with newest_per_instant as (
        select *
        from ({{ changed }}) as changes
        where {{ is_touched(contract(feed).key) }}
        qualify
            row_number() over (
                partition by {{ key }}, _sequence_at order by {{ newer_first() }}
            ) = 1
    ),

    steps as (
        select *
        from newest_per_instant
        qualify
            version_hash is distinct from
            lag(version_hash) over (partition by {{ key }} order by _sequence_at)
    ),

    bounded as (
        select
            *,
            lead(_sequence_at) over (partition by {{ key }} order by _sequence_at) as next_step_at
        from steps
    )

    select
        {{ staged_columns(feed) | join(',\n        ') }},
        version_hash,
        _sequence_at as valid_from,
        next_step_at as valid_to,
        row_number() over (partition by {{ key }} order by _sequence_at) = 1 as is_first_version
    from bounded
    where not is_deletion
    {%- endif -%}
{% endmacro %}
