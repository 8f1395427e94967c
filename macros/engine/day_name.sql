{# English name of the day of the week of a date. #}
{% macro day_name(day) %}{{ return(adapter.dispatch('day_name')(day)) }}{% endmacro %}

{% macro default__day_name(day) -%} dayname({{ day }}) {%- endmacro %}

{% macro spark__day_name(day) -%} date_format({{ day }}, 'EEEE') {%- endmacro %}
