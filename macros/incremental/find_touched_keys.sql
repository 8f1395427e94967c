{#
  Before a model is brought up to date: the keys that were touched since it last read its inputs, in
  the temp table touched__<model>. Each rule of touch_rules gives some; too many cost time and change
  nothing, one too few would leave a row that a rebuild would not give.
#}
{% macro find_touched_keys() %}
    {%- do check_touch_rules() if is_logged(model) %}
    {%- if is_by_touched_keys() and touch_rules() %}
    create or replace temp table touched__{{ model.name }} as
    {% for rule in touch_rules() -%}
    {%- set through = rule.get('through') -%}
    {%- set by = {rule.by: rule.by} if rule.by is string else rule.get('by', {}) -%}
    {%- set since = rule.get('since', {}) -%}
    select
        {%- for column in key_columns(model) %}
        {{ rule.get('keys', {}).get(column, column) }} as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    {%- if not through %}
    from ({{ unread_changes(rule) }}) as changes
    {%- else %}
    from {{ this if through == 'this' else through if '.' in through else relation_of(through) }}
    {%- if by %}
    inner join (
        select
            {%- for column in by.values() %}
            {{ column }} as by_{{ loop.index }}{{ ',' if since or not loop.last }}
            {%- endfor %}
            {%- for column in since.values() %}
            min({{ column }}) as since
            {%- endfor %}
        from ({{ unread_changes(rule) }}) as changes
        group by {{ by.values() | join(', ') }}
    ) as changed
        on {% for expression in by -%}
        {{ expression }} = by_{{ loop.index }}{{ ' and ' if not loop.last }}
        {%- endfor %}
        {%- for instant in since %} and ({{ instant }} >= since or {{ instant }} is null){% endfor %}
    where true
    {%- else %}
    where exists (select 1 from ({{ unread_changes(rule) }}) as changes)
    {%- endif %}
    {%- if rule.only %} and {{ rule.only }}{% endif %}
    {%- endif %}
    {{ 'union' if not loop.last }}
    {% endfor %}
    {%- endif %}
{% endmacro %}
