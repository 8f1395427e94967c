{#
  The aggregate of a simple metric as SQL over its semantic model's table: `sum(expression)`. Known only
  while models run, like everything that asks dbt's graph.
#}
{% macro metric_aggregate(measure) %}
    {% set aggregates = {
        'sum': 'sum(%s)',
        'min': 'min(%s)',
        'max': 'max(%s)',
        'average': 'avg(%s)',
        'count': 'count(%s)',
        'count_distinct': 'count(distinct %s)',
    } %}
    {% if measure.agg not in aggregates %}
        {% do exceptions.raise_compiler_error(
            'Measure ' ~ measure.name ~ ' has agg: ' ~ measure.agg ~ '; gold.metrics knows '
            ~ aggregates.keys() | join(', ') ~ '.'
        ) %}
    {% endif %}
    {{ return(aggregates[measure.agg] % (measure.expr or measure.name)) }}
{% endmacro %}
