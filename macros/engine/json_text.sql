{# The text of a member of a JSON object; null without. #}
{% macro json_text(json, member) %}{{ return(adapter.dispatch('json_text')(json, member)) }}{% endmacro %}

{% macro default__json_text(json, member) -%} ({{ json }}::json ->> '$.{{ member }}') {%- endmacro %}

{% macro spark__json_text(json, member) -%} get_json_object({{ json }}, '$.{{ member }}') {%- endmacro %}
