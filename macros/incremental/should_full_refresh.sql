{#
  dbt's own question, asked by is_incremental() and by the materialization: a model that is
  incremental by touched keys is built whole also when everything is touched.
#}
{% macro should_full_refresh() %}
    {% set asked_for = config.get('full_refresh') %}
    {% if asked_for is none %}
        {% set asked_for = flags.FULL_REFRESH %}
    {% endif %}
    {% if not asked_for and is_logged(model) %}
        {{ return(everything_is_touched()) }}
    {% endif %}
    {{ return(asked_for) }}
{% endmacro %}
