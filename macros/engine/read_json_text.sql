{# A delivered text as JSON text without insignificant white space; null when it is no JSON. #}
{% macro read_json_text(text) %}{{ return(adapter.dispatch('read_json_text')(text)) }}{% endmacro %}

{% macro default__read_json_text(text) -%}
    case when json_valid({{ text }}) then cast(json({{ text }}) as varchar) end
{%- endmacro %}
