{# A column's delivered text (SQL), or its patch's (see join_patches) where `patched` lists it. #}
{% macro patched_value(delivered, column, patched) -%}
    {%- if column in patched -%}
        case when patches.is_{{ column }}_patched then patches.{{ column }} else {{ delivered }} end
    {%- else -%} {{ delivered }}
    {%- endif -%}
{%- endmacro %}
