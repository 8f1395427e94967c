{#
  The feed whose rows the model at hand holds, by its name: stg_<feed>, <feed>, <feed>_versions or
  <feed>_history; none for any other.
#}
{% macro feed_of() %}
    {% for feed in var('feeds') %}
        {% if model.name in ['stg_' ~ feed, feed, feed ~ '_versions', feed ~ '_history'] %}
            {{ return(feed) }}
        {% endif %}
    {% endfor %}
    {{ return(none) }}
{% endmacro %}
