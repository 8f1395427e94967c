{#
  Every metric of dbt's semantic layer, as a list of dicts with the columns of gold.metrics. Known only
  while models run, not while dbt parses.
#}
{% macro metric_definitions() %}
    {% set measures = {} %}
    {% for semantic_model in graph.semantic_models.values() %}
        {% for measure in semantic_model.measures %}
            {% do measures.update({measure.name: {
                'relation_name': semantic_model.node_relation.schema_name
                    ~ '.' ~ semantic_model.node_relation.alias,
                'time_column': semantic_model.defaults.agg_time_dimension,
                'aggregate': metric_aggregate(measure),
            }}) %}
        {% endfor %}
    {% endfor %}

    {% set definitions = [] %}
    {% for metric in graph.metrics.values() | sort(attribute='name') %}
        {% if metric.type == 'simple' and not metric.filter %}
            {% set computed = measures[metric.type_params.measure.name] %}
        {% elif metric.type == 'ratio' and not metric.filter %}
            {% set computed = {
                'numerator': metric.type_params.numerator.name,
                'denominator': metric.type_params.denominator.name,
            } %}
        {% else %}
            {% do exceptions.raise_compiler_error(
                'Metric ' ~ metric.name ~ ': gold.metrics knows simple metrics and ratios without a'
                ~ ' filter. Put the condition into the measure.'
            ) %}
        {% endif %}
        {% do definitions.append(dict(
            computed,
            metric=metric.name,
            label=metric.label,
            description=metric.description,
            unit=metric.config.meta.unit
        )) %}
    {% endfor %}
    {{ return(definitions) }}
{% endmacro %}
