{# Day of the week, 1 = Monday to 7 = Sunday. #}
{% macro iso_day_of_week(day) %}{{ return(adapter.dispatch('iso_day_of_week')(day)) }}{% endmacro %}

{% macro default__iso_day_of_week(day) -%} cast(isodow({{ day }}) as int) {%- endmacro %}

{% macro spark__iso_day_of_week(day) -%} weekday({{ day }}) + 1 {%- endmacro %}
