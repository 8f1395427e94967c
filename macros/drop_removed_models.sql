{#
  At the end of dbt: without the tables of silver, gold and audit that no model makes any more. Readers
  would be shown them for ever, as they were. Nor is there a log of changed keys of what keeps none any
  more, or is gone: publishing would look for changes there and find none.
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
        ~ " from information_schema.tables where table_catalog = current_database()"
        ~ " and table_schema in ('silver', 'gold', 'audit')"
    ) -%}
    {%- for name, is_view in stored.rows if name not in kept %}
    {%- do log(name ~ ' is dropped: no model makes it any more.', info=true) %}
    drop {{ 'view' if is_view else 'table' }} {{ name }};
    {%- endfor %}
    {%- set written = run_query('select distinct model from changes.written').columns[0].values() -%}
    {%- for name in written %}
    {%- set node = node_of(name) %}
    {%- if not node or not is_logged(node) %}
    drop table if exists changes.{{ name }};
    delete from changes.written where model = '{{ name }}';
    delete from changes.read where '{{ name }}' in (model, input);
    {%- endif %}
    {%- endfor %}
    {%- endif %}
{% endmacro %}
