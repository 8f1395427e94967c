{#
  At the end of dbt: without the tables of silver and gold that no model makes any more. Readers would
  be shown them for ever, as they were.
#}
{% macro drop_removed_models() %}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
    {%- set kept = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
        {%- do kept.append(node.schema ~ '.' ~ node.alias) -%}
    {%- endfor -%}
    {%- for source in graph.sources.values() -%}
        {%- do kept.append(source.schema ~ '.' ~ source.identifier) -%}
    {%- endfor -%}
    {%- set stored = run_query(
        "select table_schema || '.' || table_name as name, table_type = 'VIEW' as is_view"
        ~ " from information_schema.tables"
        ~ " where table_catalog = current_database() and table_schema in ('silver', 'gold')"
    ) -%}
    {%- for name, is_view in stored.rows if name not in kept %}
    {%- do log(name ~ ' is dropped: no model makes it any more.', info=true) %}
    drop {{ 'view' if is_view else 'table' }} {{ name }};
    {%- endfor %}
    {%- endif %}
{% endmacro %}
