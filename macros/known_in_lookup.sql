{#
  The values of a column that a lookup knows, one row per value and day on which rows of `step` have
  it: {column}, day. A lookup's window is asked on the day of `instant`; where that is null, any
  window will do. Compared trimmed and lower-cased.
#}
{% macro known_in_lookup(step, column, instant, lookup, lookup_column) -%}
    -- depends_on: {{ ref('lookup_values') }}
    select distinct
        value_days.{{ column }},
        value_days.day
    from (
        select distinct {{ column }}, cast({{ instant }} as date) as day from {{ step }}
    ) as value_days
    inner join {{ ref(lookup) }} as lookup
        on lower(value_days.{{ column }}) = lower(trim(lookup.{{ lookup_column }}))
        and {{ in_window('lookup', 'value_days.day') }}
{%- endmacro %}
