{#
  What the log of a node (left out: the node at hand) holds of a changed row, as {name: expression
  over the row}: its key, of a staging model also the feed's, of versions since when they differ, and
  what config.meta.logs names beside it.
#}
{% macro logged_columns(node=none) %}
    {% set node = node or model %}
    {% set feed = feed_of(node) %}
    {% set logged = {} %}
    {% for column in key_columns(node) + (contract(feed).key if feed else []) %}
        {% do logged.update({column: column}) %}
    {% endfor %}
    {% if feed and node.name == feed ~ '_versions' %}
        {% do logged.update({'affected_from': affected_from(contract(feed).key)}) %}
    {% endif %}
    {% for column in node.config.meta.get('logs', []) %}
        {% do logged.update(column if column is mapping else {column: column}) %}
    {% endfor %}
    {{ return(logged) }}
{% endmacro %}
