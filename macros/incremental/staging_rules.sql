{#
  A landed row is judged again when its file begins or ceases to count, when its patches change,
  when the key it refers to becomes known or unknown, when the lookup's row of its value changes.
#}
{% macro staging_rules(feed) %}
    {% set rules = [
        {
            'changes_of': 'files_that_count',
            'where': "feed = '" ~ feed ~ "'",
            'through': 'bronze.' ~ feed,
            'by': {'_file_id': 'file_id'},
        },
        {
            'changes_of': 'patched_rows',
            'where': "feed = '" ~ feed ~ "'",
            'keys': {'_file_id': 'file_id', '_row_number': 'row_number'},
        },
    ] %}
    {% for column in contract(feed).columns %}
        {% if column.get('references') %}
            {% if not node_of('known_' ~ column.references) %}
                {% do exceptions.raise_compiler_error(
                    'stg_' ~ feed ~ ': column ' ~ column.name ~ ' references ' ~ column.references
                    ~ ', which needs a model known_' ~ column.references
                    ~ ' (copy models/silver/known/known_orders.sql and .yml).'
                ) %}
            {% endif %}
            {% do rules.append({
                'changes_of': 'known_' ~ column.references,
                'through': 'this',
                'by': {column.name: contract(column.references).key[0]},
            }) %}
        {% endif %}
        {% if column.get('lookup') %}
            {% set seed = 'seed.' ~ project_name ~ '.' ~ column.lookup %}
            {% if seed not in node_of('lookup_values').depends_on.nodes %}
                {% do exceptions.raise_compiler_error(
                    'stg_' ~ feed ~ ': column ' ~ column.name ~ ' has the lookup ' ~ column.lookup
                    ~ (
                        ', of which a change would judge no row again. Add it to the list in'
                        ~ ' models/silver/lookup_values.sql, with the column of its values.'
                        if seed in graph.nodes else ', but there is no such seed. Correct the name,'
                        ~ ' or add seeds/' ~ column.lookup ~ '.csv and put it on the list in'
                        ~ ' models/silver/lookup_values.sql.'
                    )
                ) %}
            {% endif %}
            {% do rules.append({
                'changes_of': 'lookup_values',
                'where': "lookup = '" ~ column.lookup ~ "'",
                'through': 'this',
                'by': {'lower(' ~ column.name ~ ')': 'looked_up'},
            }) %}
        {% endif %}
    {% endfor %}
    {{ return(rules) }}
{% endmacro %}
