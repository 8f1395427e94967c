{#
  The windows of a lookup's values: looked_up (trimmed, lower-cased), valid_from, valid_to,
  is_first_window of its value. Windows of one value do not overlap (a test of each seed).
#}
{% macro lookup_windows(lookup, lookup_column) -%}
    {%- do ref('lookup_values') -%}
    select
        lower(trim({{ lookup_column }})) as looked_up,
        valid_from,
        valid_to,
        row_number() over (
            partition by lower(trim({{ lookup_column }})) order by valid_from
        ) = 1 as is_first_window
    from {{ ref(lookup) }}
{%- endmacro %}
