{#
  All expectations of a feed, in order, as a list of {name, condition, action, judges}: first those
  that follow from its contract (required values, types, _op, sequence time), then those declared in
  config.meta.expectations of its staging model. `condition` says what must hold, over the columns
  of the staging model's step before judging; null does not fail. `judges`: all rows, upserts (the
  default) or deletions, which need nothing but their key.
#}
{% macro expectations(feed) %}
    {% set feed_contract = contract(feed) %}
    {% set found = [] %}
    {% for column in feed_contract.columns %}
        {% set is_key = column.name in feed_contract.key %}
        {% set delivered = column.name ~ '_delivered' if column.type != 'text' else column.name %}
        {# A missing reference is unknown, not missing: only a deletion has no other reason. #}
        {% if column.get('required') and (is_key or not column.get('references')) %}
            {% do found.append({
                'name': column.name ~ '_missing',
                'condition': delivered ~ ' is not null',
                'action': 'quarantine',
                'judges': 'deletions' if column.get('references') else 'all' if is_key else 'upserts',
            }) %}
        {% endif %}
        {% if column.type != 'text' %}
            {% do found.append({
                'name': column.name ~ '_invalid',
                'condition': delivered ~ ' is null or ' ~ column.name ~ ' is not null',
                'action': 'quarantine',
                'judges': 'all' if is_key else 'upserts',
            }) %}
        {% endif %}
    {% endfor %}
    {% do found.append({
        'name': '_op_unknown',
        'condition': "operation in ('i', 'u', 'd', 'insert', 'update', 'delete')",
        'action': 'warn',
        'judges': 'upserts',
    }) %}
    {% if feed_contract.sequence %}
        {% do found.append({
            'name': feed_contract.sequence ~ '_in_future',
            'condition': not_in_future(feed_contract.sequence),
            'action': 'warn',
            'judges': 'upserts',
        }) %}
    {% endif %}
    {% for expectation in declared_expectations(feed) %}
        {% do found.append(dict(expectation, judges='upserts')) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}
