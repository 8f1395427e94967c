{#
  The contract of a feed, as a dict: key, sequence, extract, breaker and columns (a list of dicts with
  name, type, required, references, lookup, pii and mask). Known only while models run, not while dbt
  parses.
#}
{% macro contract(feed) %}
    {% set source_node = graph.sources['source.' ~ project_name ~ '.bronze.' ~ feed] %}
    {% set options = source_node.config.meta.contract %}
    {% set columns = [] %}
    {% for column in source_node.columns.values() %}
        {% do columns.append(dict(column.config.meta, name=column.name)) %}
    {% endfor %}
    {{ return({
        'feed': feed,
        'key': options.key,
        'sequence': options.get('sequence'),
        'extract': options.get('extract', 'delta'),
        'breaker': options.get('breaker'),
        'columns': columns,
    }) }}
{% endmacro %}
