{# Layer = folder = schema: the configured name as it is, without the target's as a prefix. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if not custom_schema_name and node.resource_type == 'operation' -%}
        {{ return(target.schema) }}
    {%- elif not custom_schema_name -%}
        {%- do exceptions.raise_compiler_error(
            node.unique_id ~ ' has no schema. Give its folder a +schema in dbt_project.yml.'
        ) -%}
    {%- endif -%}
    {{ custom_schema_name | trim }}
{%- endmacro %}
