{#
  Before a model is brought up to date: the keys that were touched since it last read its inputs, in
  the temp table touched__<model>. Each rule of touch_rules gives some; too many cost time and change
  nothing, one too few would leave a row that a rebuild would not give.
#}
{% macro find_touched_keys() %}
    {%- if is_by_touched_keys() and touch_rules() %}
    create or replace temp table touched__{{ model.name }} as
    {% for rule in touch_rules() -%}
    {%- set log -%}
        select * from changes.{{ rule.changes_of }}
        where number > (
            select max(number) from changes.read
            where model = '{{ model.name }}' and input = '{{ rule.changes_of }}'
        )
        {%- if rule.where %} and {{ rule.where }}{% endif %}
    {%- endset -%}
    {%- set through = rule.get('through') -%}
    {%- set by = {rule.by: rule.by} if rule.by is string else rule.get('by') -%}
    select
        {%- for column in key_columns(model) %}
        {{ rule.get('keys', {}).get(column, column) }} as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    {%- if not through %}
    from ({{ log }}) as changed
    {%- else %}
    from {{ this if through == 'this' else through if '.' in through else relation_of(through) }}
    where
        {%- if by %}
        ({{ by.keys() | join(', ') }}) in (
            select {{ by.values() | join(', ') }} from ({{ log }}) as changed
        )
        {%- else %}
        exists (select 1 from ({{ log }}) as changed)
        {%- endif %}
        {%- if rule.only %} and {{ rule.only }}{% endif %}
    {%- endif %}
    {{ 'union' if not loop.last }}
    {% endfor %}
    {%- endif %}
{% endmacro %}
