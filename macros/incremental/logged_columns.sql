{#
  What a model's log holds of a changed row, as {name: expression over the row}: its key and what
  config.meta.logs names beside it; of a staging model also the feed's key.
#}
{% macro logged_columns() %}
    {% set logged = {} %}
    {% for column in key_columns() %}
        {% do logged.update({column: column}) %}
    {% endfor %}
    {% if feed_of() and model.name.startswith('stg_') %}
        {% for column in contract(model.name[4:]).key %}
            {% do logged.update({column: column}) %}
        {% endfor %}
    {% endif %}
    {% for column in model.config.meta.get('logs', []) %}
        {% if column is mapping %}
            {% do logged.update(column) %}
        {% else %}
            {% do logged.update({column: column}) %}
        {% endif %}
    {% endfor %}
    {{ return(logged) }}
{% endmacro %}
