{#
  The columns whose values are the touched keys of a node, as a list: of staging the delivered row,
  of other models of a feed its key, else the config unique_key. They are never null.
#}
{% macro key_columns(node) %}
    {% set feed = feed_of(node) %}
    {% if feed and node.name == 'stg_' ~ feed %}
        {{ return(['_file_id', '_row_number']) }}
    {% elif feed %}
        {{ return(contract(feed).key) }}
    {% endif %}
    {% set key = node.config.get('unique_key') %}
    {% if not key %}
        {% do exceptions.raise_compiler_error(
            node.name ~ ' is no model of a feed in vars.feeds (dbt_project.yml), and has no unique_key.'
            ~ ' Add its feed there, or give it the config unique_key.'
        ) %}
    {% endif %}
    {{ return([key] if key is string else key) }}
{% endmacro %}
