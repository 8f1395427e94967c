{#
  The columns whose values are the touched keys of the model at hand, as a list: of staging the
  delivered row, of other models of a feed its key, else the config unique_key.
#}
{% macro key_columns() %}
    {% set feed = feed_of() %}
    {% if feed and model.name == 'stg_' ~ feed %}
        {{ return(['_file_id', '_row_number']) }}
    {% elif feed %}
        {{ return(contract(feed).key) }}
    {% endif %}
    {% set key = model.config.unique_key %}
    {{ return([key] if key is string else key) }}
{% endmacro %}
