{#
  The expectations that the staging model of a feed declares in config.meta.expectations, as a list of
  {name, condition, action}. Refused is what would leave rows unjudged without a word: a misspelt key,
  an expectation that is not whole, a reference or lookup of the contract that none of them judges.
#}
{% macro declared_expectations(feed) %}
    {% set name = 'stg_' ~ feed %}
    {% set staging = graph.nodes['model.' ~ project_name ~ '.' ~ name] %}
    {% if not staging.patch_path %}
        {% do exceptions.raise_compiler_error(
            name ~ ' stands in no .yml, so that nothing is expected of it. Add ' ~ name
            ~ '.yml beside it; stg_shipments.yml is the example to copy.'
        ) %}
    {% endif %}
    {% set known_keys = [
        'amount', 'dagster', 'expectations', 'keys_recomputed', 'logs', 'owner', 'rows_by',
        'touched_by',
    ] %}
    {% for key in staging.config.meta if key not in known_keys %}
        {% do exceptions.raise_compiler_error(
            name ~ ': config.meta has the unknown key ' ~ key ~ '; known are '
            ~ known_keys | join(', ') ~ '. Correct or remove it.'
        ) %}
    {% endfor %}
    {% set declared = staging.config.meta.get('expectations') or [] %}
    {% for expectation in declared %}
        {% set which = name ~ ': expectation ' ~ expectation.get('name', 'number ' ~ loop.index) %}
        {% for key in expectation if key not in ('name', 'condition', 'action') %}
            {% do exceptions.raise_compiler_error(
                which ~ ' has the unknown key ' ~ key ~ '; known are name, condition and action.'
                ~ ' Correct or remove it.'
            ) %}
        {% endfor %}
        {% for key in ('name', 'condition', 'action') if not expectation.get(key) %}
            {% do exceptions.raise_compiler_error(
                which ~ ' has no ' ~ key ~ '; it needs name, condition and action.'
            ) %}
        {% endfor %}
        {% if expectation.action not in ('warn', 'quarantine', 'fail') %}
            {% do exceptions.raise_compiler_error(
                which ~ ' has the action ' ~ expectation.action
                ~ '; it must be warn, quarantine or fail.'
            ) %}
        {% endif %}
    {% endfor %}
    {% for column in contract(feed).columns %}
        {% set thing = column.name.removesuffix('_id') if column.get('references') else column.name %}
        {% if (column.get('references') or column.get('lookup'))
            and thing ~ '_unknown' not in declared | map(attribute='name') %}
            {% do exceptions.raise_compiler_error(
                name ~ ': column ' ~ column.name ~ (
                    ' references ' ~ column.references if column.get('references')
                    else ' has the lookup ' ~ column.lookup
                ) ~ ', and no expectation judges it. Declare ' ~ thing ~ '_unknown in ' ~ name
                ~ '.yml (as ' ~ (
                    'order_unknown in stg_shipments' if column.get('references')
                    else 'event_type_unknown in stg_clickstream'
                ) ~ '), with the condition that the value is known.'
            ) %}
        {% endif %}
    {% endfor %}
    {{ return(declared) }}
{% endmacro %}
