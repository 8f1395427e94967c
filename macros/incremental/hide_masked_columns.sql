{#
  Before a snapshot compares: what it believed of a column that its contract has marked personal since
  must not stay in the clear. The column goes, or holds what its mask leaves.
  target: the snapshot's relation.
#}
{% macro hide_masked_columns(target) %}
    {% set feed = feed_of(model) %}
    {% set kept = adapter.get_columns_in_relation(target) | map(attribute='name') | list %}
    {% for column in (contract(feed).columns if feed else []) if column.mask and column.name in kept %}
        {% set masked = {} %}
        {% for left in masked_columns(column) %}
            {% do masked.update({left.name: left.expression}) %}
        {% endfor %}
        {% if column.name in masked %}
            {% do run_query(
                'update ' ~ target ~ ' set ' ~ column.name ~ ' = ' ~ masked[column.name]
                ~ ' where ' ~ column.name ~ ' is distinct from ' ~ masked[column.name]
            ) %}
        {% else %}
            {% do run_query('alter table ' ~ target.include(database=false) ~ ' drop column ' ~ column.name) %}
        {% endif %}
    {% endfor %}
{% endmacro %}
