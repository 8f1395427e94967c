{#
  The columns that tell rows of the node at hand apart, as a list: its key, of versions also since when
  each is valid, and what config.meta.rows_by names where a key has several rows.
#}
{% macro row_columns() %}
    {% set feed = feed_of(model) %}
    {% set versions = ['valid_from'] if feed and model.name == feed ~ '_versions' else [] %}
    {{ return(key_columns(model) + versions + model.config.meta.get('rows_by', [])) }}
{% endmacro %}
