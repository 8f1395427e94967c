{# The texts of a JSON object's list-valued member, sorted and joined by a comma; null without. #}
{% macro json_texts(json, member) %}{{ return(adapter.dispatch('json_texts')(json, member)) }}{% endmacro %}

{% macro default__json_texts(json, member) -%}
    nullif(array_to_string(list_sort(({{ json }}::json ->> '$.{{ member }}[*]')), ', '), '')
{%- endmacro %}
