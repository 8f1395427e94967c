{#
  Sum of doubles, added from the smallest up: a plain sum depends in its last digits on the order in
  which rows come, and the same files must give the same figures.
#}
{% macro sum_in_order(number) %}{{ return(adapter.dispatch('sum_in_order')(number)) }}{% endmacro %}

{% macro default__sum_in_order(number) -%} sum({{ number }} order by {{ number }}) {%- endmacro %}

{% macro spark__sum_in_order(number) -%}
    aggregate(array_sort(collect_list({{ number }})), 0d, (total, next) -> total + next)
{%- endmacro %}
