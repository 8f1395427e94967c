{#
  The model, seed or snapshot of a name as it stands in dbt's graph; none when there is none, and
  while dbt parses.
#}
{% macro node_of(name) %}
    {% if execute %}
        {% for node in graph.nodes.values() %}
            {% if node.name == name and node.resource_type in ('model', 'seed', 'snapshot') %}
                {{ return(node) }}
            {% endif %}
        {% endfor %}
    {% endif %}
    {{ return(none) }}
{% endmacro %}
