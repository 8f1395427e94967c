{# The model or snapshot that the generic test at hand is attached to, as it stands in dbt's graph. #}
{% macro tested_node() %}
    {{ return(graph.nodes[model.attached_node]) }}
{% endmacro %}
