{# The names of a feed's own columns in silver, as a list: the contract's, masked ones replaced. #}
{% macro staged_columns(feed) %}
    {% set names = [] %}
    {% for column in contract(feed).columns %}
        {% for masked in masked_columns(column) %}
            {% do names.append(masked.name) %}
        {% endfor %}
    {% endfor %}
    {{ return(names) }}
{% endmacro %}
