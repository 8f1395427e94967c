{#
  Score from 1 to 5 by rank: 1 + floor(5 × (rank − 1) / n). worst_first: the order from worst to best;
  ties share the lowest rank.
#}
{% macro score_rank(worst_first) -%}
    1 + cast(
        floor(5 * (rank() over (order by {{ worst_first }}) - 1) / count(*) over ()) as int
    )
{%- endmacro %}
