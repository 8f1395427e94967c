{#
  Whether a lookup's row is valid on a day: valid_from and valid_to, both days included, both
  optional. A null day is in every window.
#}
{% macro in_window(lookup, day) -%}
    coalesce({{ day }} >= {{ lookup }}.valid_from, true)
    and coalesce({{ day }} <= {{ lookup }}.valid_to, true)
{%- endmacro %}
