{# English name of the month of a date. #}
{% macro month_name(day) %}{{ return(adapter.dispatch('month_name')(day)) }}{% endmacro %}

{% macro default__month_name(day) -%} monthname({{ day }}) {%- endmacro %}

{% macro spark__month_name(day) -%} date_format({{ day }}, 'MMMM') {%- endmacro %}
