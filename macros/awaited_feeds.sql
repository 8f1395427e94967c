{#
  The feeds whose deliveries decide whether a row of a feed knows its parents, as {reason code: list of
  feeds}: for each reference of its contract the feed it names, and what that one refers to itself.
#}
{% macro awaited_feeds(feed) %}
    {% set found = {} %}
    {% for column in contract(feed).columns if column.get('references') %}
        {% set ancestors = [column.references] %}
        {% for _ in var('feeds') %}
            {% for ancestor in ancestors | list %}
                {% for one in contract(ancestor).columns if one.get('references') %}
                    {% if one.references not in ancestors %}
                        {% do ancestors.append(one.references) %}
                    {% endif %}
                {% endfor %}
            {% endfor %}
        {% endfor %}
        {% do found.update({column.name.removesuffix('_id') ~ '_unknown': ancestors}) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}
