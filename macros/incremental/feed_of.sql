{#
  The feed whose rows a node holds, by its name: stg_<feed>, <feed>, <feed>_versions or
  <feed>_history; none for any other.
#}
{% macro feed_of(node) %}
    {% for feed in var('feeds') %}
        {% if node.name in ['stg_' ~ feed, feed, feed ~ '_versions', feed ~ '_history'] %}
            {{ return(feed) }}
        {% endif %}
    {% endfor %}
    {{ return(none) }}
{% endmacro %}
