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
            {% do rules.append({
                'changes_of': 'known_' ~ column.references,
                'through': 'this',
                'by': {column.name: contract(column.references).key[0]},
            }) %}
        {% endif %}
        {% if column.get('lookup') %}
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
