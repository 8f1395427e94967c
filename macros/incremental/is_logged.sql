{# Whether the node at hand keeps a log of its changed keys: incremental models, and snapshots. #}
{% macro is_logged() %}
    {{ return(
        execute
        and (
            model.resource_type == 'snapshot'
            or (
                model.resource_type == 'model'
                and model.config.materialized == 'incremental'
                and model.config.incremental_strategy == 'touched_keys'
            )
        )
    ) }}
{% endmacro %}
