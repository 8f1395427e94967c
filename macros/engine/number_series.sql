{# Rows with the integers from 0 to below `count` in the column `number`. #}
{% macro number_series(count) %}{{ return(adapter.dispatch('number_series')(count)) }}{% endmacro %}

{% macro default__number_series(count) -%}
    select cast(range as int) as number from range({{ count }})
{%- endmacro %}

{% macro spark__number_series(count) -%}
    select cast(id as int) as number from range({{ count }})
{%- endmacro %}
