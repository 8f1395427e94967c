{#
  Rows of a table that its own SQL, run over its inputs as they stand, does not give, and the other
  way round: what was changed by hand, lost, doubled, or depends on the order of rows. All columns;
  `surplus` is how many more of the row are stored than computed. The inputs are named without ref(),
  so that the test gates its model alone. A build computes some of the keys that changed once more; the
  others, and a table that it has just written whole by this very SQL, are left to `dbt test`. How many:
  config.meta.keys_recomputed, where a key stands for few rows a thousand.
#}
{% test equals_its_recomputation(model) %}
{%- if execute -%}
{%- set node = tested_node() -%}
{%- set sample = node.config.meta.get('keys_recomputed', 1000) -%}
{%- set columns = node.columns.keys() | join(', ') -%}
{%- if flags.WHICH == 'build' and was_written_whole(node) -%}
select {{ columns }}, 0 as surplus from {{ node.relation_name }} where false
{%- else -%}
with recomputed as (
    {{ render(
        node.raw_code
        | replace('ref(', 'relation_of(')
        | replace('is_touched(', "is_sampled('" ~ node.name ~ "', " ~ sample ~ ", ")
    ) }}
),

signed_rows as (
    select {{ columns }}, 1 as surplus
    from {{ node.relation_name }}
    where {{ is_sampled(node.name, sample) }}
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
