{#
  For tests: whether a row belongs to a key of a model or snapshot that changed since its tests last
  passed. Every row does under `dbt test`, of a node that keeps no log, and of one that was built
  whole since.
  name: the node; columns: expressions over the row for the log's columns; logged: which of those,
  left out: the node's key columns; sample: how many of the changed keys at most, the first by a hash.
#}
{% macro is_changed(name, columns=none, logged=none, sample=none) -%}
    {%- set node = node_of(name) -%}
    {%- if flags.WHICH == 'build' and is_logged(node) and was_tested(name) -%}
    {%- set logged = logged or key_columns(node) -%}
    ({{ (columns or logged) | join(', ') }}) in (
        select {{ logged | join(', ') }} from changes.{{ name }}
        where number > (
            select max(number) from changes.read where model = 'tests' and input = '{{ name }}'
        )
        {%- if sample %}
        group by {{ logged | join(', ') }}
        order by hash({{ logged | join(', ') }})
        limit {{ sample }}
        {%- endif %}
    )
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}
