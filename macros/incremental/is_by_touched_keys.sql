{#
  Whether the model or snapshot at hand is now brought up to date by touched keys, not built whole:
  it is one of those, its table stands, and nothing makes everything touched.
#}
{% macro is_by_touched_keys() %}
    {% if not is_logged(model) %}
        {{ return(false) }}
    {% elif model.resource_type == 'snapshot' %}
        {{ return(
            adapter.get_relation(this.database, this.schema, this.identifier) is not none
            and not everything_is_touched()
        ) }}
    {% endif %}
    {{ return(is_incremental()) }}
{% endmacro %}
