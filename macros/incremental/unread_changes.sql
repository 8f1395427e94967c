{#
  The log entries of a rule's changes_of that the model at hand has not read yet. Where the rule says
  what matters, only those whose value of it the key has gained or lost in all.
#}
{% macro unread_changes(rule) -%}
    select *
    from changes.{{ rule.changes_of }}
    where number > (
        select max(number) from changes.read
        where model = '{{ model.name }}' and input = '{{ rule.changes_of }}'
    )
    {%- if rule.where %} and {{ rule.where }}{% endif %}
    {%- if rule.matters %}
    qualify
        sum(case when is_new then 1 else -1 end) over (
            partition by {{ (key_columns(node_of(rule.changes_of)) + [rule.matters]) | join(', ') }}
        ) <> 0
    {%- endif %}
{%- endmacro %}
