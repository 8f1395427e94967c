{#
  For tests: whether a row belongs to a key of a model or snapshot that changed since its tests last
  passed. Every row does under `dbt test`, of a node that keeps no log, and of one that was built
  whole since.
  name: the node; columns: expressions over the row for the log's columns; logged: which of those,
  left out: the node's key columns.
#}
{% macro is_changed(name, columns=none, logged=none) -%}
    {%- set node = node_of(name) -%}
    {%- if flags.WHICH == 'build' and is_logged(node) and was_tested(name) -%}
    {%- set logged = logged or key_columns(node) -%}
    ({{ (columns or logged) | join(', ') }}) in (
        select {{ logged | join(', ') }} from changes.{{ name }}
        where number > (
            select max(number) from changes.read where model = 'tests' and input = '{{ name }}'
        )
    )
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}
