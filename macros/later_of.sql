{# The later of two instants; the first where the second is null. #}
{% macro later_of(instant, other) -%}
    greatest({{ instant }}, coalesce({{ other }}, {{ instant }}))
{%- endmacro %}
