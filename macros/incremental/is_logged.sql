{# Whether a node keeps a log of its changed keys: incremental models, and snapshots. #}
{% macro is_logged(node) %}
    {{ return(
        execute
        and (
            node.resource_type == 'snapshot'
            or (
                node.resource_type == 'model'
                and node.config.materialized == 'incremental'
                and node.config.incremental_strategy == 'touched_keys'
            )
        )
    ) }}
{% endmacro %}
