{# A delivered text as JSON text without insignificant white space; null when it is no JSON. #}
{% macro read_json_text(text) %}{{ return(adapter.dispatch('read_json_text')(text)) }}{% endmacro %}

{% macro default__read_json_text(text) -%}
    {#- What DuckDB takes and JSON does not: a comma before a closing bracket, NaN, Infinity. May also
        hit inside a text; without the texts it cannot. -#}
    {%- set lax -%} '(?i),\s*[}\]]|(^|[:\[,])\s*-?(na|in)' {%- endset -%}
    case
        when not json_valid({{ text }}) then null
        when
            not regexp_matches({{ text }}, {{ lax }})
            or not regexp_matches(regexp_replace({{ text }}, '"([^"\\]|\\.)*"', '""', 'g'), {{ lax }})
            then cast(json({{ text }}) as varchar)
    end
{%- endmacro %}
