{# The key of dim_date for a day or an instant, as the integer yyyymmdd; null for null. #}
{% macro date_key(day) -%}
    cast(year({{ day }}) * 10000 + month({{ day }}) * 100 + day({{ day }}) as int)
{%- endmacro %}
