{#
  Rows of a table that its own SQL, run over its inputs as they stand, does not give, and the other
  way round: what was changed by hand, lost, doubled, or depends on the order of rows. All columns.
  The inputs are named without ref(), so that the test gates its model alone.
#}
{% test equals_its_recomputation(model) %}
{%- if execute -%}
{%- set node = graph.nodes['model.' ~ project_name ~ '.' ~ model.identifier] -%}
{%- set columns = node.columns.keys() | join(', ') -%}
with stored as (
    select {{ columns }} from {{ model }}
),

recomputed as (
    select {{ columns }}
    from ({{ render(node.raw_code | replace('ref(', 'relation_of(')) }}) as query
)

(select 'stored' as found_in, * from (select * from stored except all select * from recomputed) as s)
union all
(select 'recomputed', * from (select * from recomputed except all select * from stored) as r)
{%- endif -%}
{% endtest %}
