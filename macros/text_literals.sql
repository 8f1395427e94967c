{# The values of some keys of a dict as SQL texts, comma separated; null where there is none. #}
{% macro text_literals(values, keys) -%}
    {%- for key in keys -%}
        {%- set text = values.get(key) -%}
        {{ dbt.string_literal(dbt.escape_single_quotes(text)) if text else 'cast(null as varchar)' }}
        {{- ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
