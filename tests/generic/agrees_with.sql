{#
  Figures of a model that another relation does not give when it is grouped alike, and groups that only
  one of them has. Groups that only the model has agree where all its figures are 0 or null.
  to: the other relation; by: {the model's column: expression over the other}; figures: {the model's
  expression: aggregate over the other}; counted: which rows of the other; of: which rows of the model;
  living, living_key: only rows of the other whose key this relation has.
#}
{% test agrees_with(
    model, to, by, figures, counted='true', of='true', living=none, living_key=none
) %}
{%- set group_of_key = [] -%}
{%- if execute -%}
{%- set node = tested_node() -%}
{%- for column in (key_columns(node) if is_logged(node) else []) -%}
{%- do group_of_key.append(by.get(column, column)) -%}
{%- endfor -%}
{%- endif -%}
with stated as (
    select
        {% for column in by %}{{ column }} as group_{{ loop.index }}, {% endfor %}
        {% for column in figures %}{{ column }} as figure_{{ loop.index }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ model }}
    where {{ of }}
),

computed as (
    select
        {% for expression in by.values() %}{{ expression }} as group_{{ loop.index }}, {% endfor %}
        {% for expression in figures.values() %}{{ expression }} as figure_{{ loop.index }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ to }}
    where
        {{ counted }}
        and {{ is_changed(node.name, group_of_key) if execute else 'true' }}
    {%- if living %}
        and {{ living_key }} in (select {{ living_key }} from {{ living }})
    {%- endif %}
    group by {% for expression in by %}{{ loop.index }}{{ ', ' if not loop.last }}{% endfor %}
)

select
    {% for column in by %}
    coalesce(stated.group_{{ loop.index }}, computed.group_{{ loop.index }}) as group_{{ loop.index }},
    {% endfor %}
    {% for column in figures %}
    stated.figure_{{ loop.index }} as stated_{{ loop.index }},
    computed.figure_{{ loop.index }} as computed_{{ loop.index }}{{ ',' if not loop.last }}
    {% endfor %}
from stated
full outer join computed
    on {% for column in by %}stated.group_{{ loop.index }} = computed.group_{{ loop.index }}{{ ' and ' if not loop.last }}{% endfor %}

where
    stated.group_1 is null
    {% for column in figures %}
    or coalesce(stated.figure_{{ loop.index }}, 0) <> coalesce(computed.figure_{{ loop.index }}, 0)
    {% endfor %}
{% endtest %}
