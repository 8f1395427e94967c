{# The model, seed or snapshot of a name as it stands in dbt's graph; none when there is none. #}
{% macro node_of(name) %}
    {% for node in graph.nodes.values() if execute %}
        {% if node.name == name and node.resource_type in ('model', 'seed', 'snapshot') %}
            {{ return(node) }}
        {% endif %}
    {% endfor %}
    {{ return(none) }}
{% endmacro %}
