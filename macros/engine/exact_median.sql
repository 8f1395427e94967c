{#
  Exact median over a group of decimals with at most 3 digits after the point, as decimal(38, 4): the
  middle value, or half the sum of the middle two. An interpolated percentile passes through a double
  and loses the cents of large amounts.
#}
{% macro exact_median(number) %}{{ return(adapter.dispatch('exact_median')(number)) }}{% endmacro %}

{% macro default__exact_median(number) -%}
    (
        cast(percentile_disc(0.5) within group (order by {{ number }}) as decimal(38, 3))
        + percentile_disc(0.5) within group (order by {{ number }} desc)
    ) * 0.5
{%- endmacro %}

{% macro spark__exact_median(number) -%}
    {%- set ascending = 'array_sort(collect_list(' ~ number ~ '))' -%}
    (
        cast(
            element_at({{ ascending }}, cast((count({{ number }}) + 1) div 2 as int))
            as decimal(38, 3)
        )
        + element_at({{ ascending }}, cast(count({{ number }}) div 2 + 1 as int))
    ) * 0.5
{%- endmacro %}
