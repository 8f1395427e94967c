{# The relation of a model, seed or snapshot by its name, for tests that must not depend on it. #}
{% macro relation_of(name) %}
    {% for node in graph.nodes.values() %}
        {% if node.name == name and node.resource_type in ('model', 'seed', 'snapshot') %}
            {{ return(node.relation_name) }}
        {% endif %}
    {% endfor %}
    {% do exceptions.raise_compiler_error('No model, seed or snapshot is named ' ~ name ~ '.') %}
{% endmacro %}
