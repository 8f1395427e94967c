{#
  Whether a dimension's version is valid at an instant; half-open. Versions of one key do not
  overlap (tested on every history), so that beside equality of the key at most one row joins.
#}
{% macro is_valid_at(dimension, instant) -%}
    {{ dimension }}.valid_from <= {{ instant }}
        and ({{ instant }} < {{ dimension }}.valid_to or {{ dimension }}.valid_to is null)
{%- endmacro %}
