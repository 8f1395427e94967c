{# A JSON object as text. `members`: dict of name → SQL expression of a text; nulls stay null. #}
{% macro json_object(members) %}{{ return(adapter.dispatch('json_object')(members)) }}{% endmacro %}

{% macro default__json_object(members) -%}
    cast(json_object(
        {%- for name, text in members.items() %}
        '{{ name }}', {{ text }}{{ ',' if not loop.last }}
        {%- endfor %}
    ) as varchar)
{%- endmacro %}
