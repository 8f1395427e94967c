{# The relation of a model, seed or snapshot by its name, where ref() would make it an input. #}
{% macro relation_of(name) %}
    {% set node = node_of(name) %}
    {% if not node %}
        {% do exceptions.raise_compiler_error('No model, seed or snapshot is named ' ~ name ~ '.') %}
    {% endif %}
    {{ return(node.relation_name) }}
{% endmacro %}
