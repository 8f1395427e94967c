{#
  The model, seed or snapshot of a name as it stands in dbt's graph; none when there is none, and
  while dbt parses.
#}
{% macro node_of(name) %}
    {% for kind in ('model', 'seed', 'snapshot') if execute %}
        {% set unique_id = kind ~ '.' ~ project_name ~ '.' ~ name %}
        {% if unique_id in graph.nodes %}
            {{ return(graph.nodes[unique_id]) }}
        {% endif %}
    {% endfor %}
    {{ return(none) }}
{% endmacro %}
