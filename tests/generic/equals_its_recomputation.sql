{#
  Rows of a table that its own SQL, run over its inputs as they stand, does not give, and the other
  way round: what was changed by hand, lost, doubled, or depends on the order of rows. All columns;
  `surplus` is how many more of the row are stored than computed. The inputs are named without ref(),
  so that the test gates its model alone. A build computes keys that changed once more; a table that it
  has just written whole by this very SQL is left to `dbt test`.
#}
{% test equals_its_recomputation(model) %}
{%- if execute -%}
{%- set node = tested_node() -%}
{%- set columns = node.columns.keys() | join(', ') -%}
{%- if flags.WHICH == 'build' and was_written_whole(node) -%}
select {{ columns }}, 0 as surplus from {{ node.relation_name }} where false
{%- else -%}
with recomputed as (
    {{ render(
        node.raw_code
        | replace('ref(', 'relation_of(')
        | replace('is_touched(', "is_changed('" ~ node.name ~ "', ")
    ) }}
),

signed_rows as (
    select {{ columns }}, 1 as surplus from {{ model }}
    union all
    select {{ columns }}, -1 as surplus from recomputed
)

select {{ columns }}, sum(surplus) as surplus
from signed_rows
group by {{ columns }}
having sum(surplus) <> 0
{%- endif -%}
{%- endif -%}
{% endtest %}
