{#
  Refuses rules of the model at hand that would touch nothing without a word, or break only the next
  build, the first that has changes to read.
#}
{% macro check_touch_rules() %}
    {% set options = [
        'changes_of', 'where', 'by', 'through', 'since', 'matters', 'keys', 'only', 'of_full_lists'
    ] %}
    {% for rule in model.config.meta.get('touched_by', []) %}
        {% for option in rule if option not in options %}
            {% do exceptions.raise_compiler_error(
                model.name ~ ': a rule of touched_by has the unknown option ' ~ option
                ~ '; known are ' ~ options | join(', ') ~ '. Correct or remove it.'
            ) %}
        {% endfor %}
        {% if not rule.changes_of %}
            {% do exceptions.raise_compiler_error(
                model.name ~ ': rule number ' ~ loop.index ~ ' of touched_by has no changes_of;'
                ~ ' it must name the model whose changes touch rows of this one.'
            ) %}
        {% endif %}
    {% endfor %}
    {% for rule in touch_rules() %}
        {% set which = model.name ~ ': the rule of touched_by for changes_of ' ~ rule.changes_of %}
        {% set input = node_of(rule.changes_of) %}
        {% if not input or not is_logged(input) %}
            {% do exceptions.raise_compiler_error(
                which ~ ' needs a model or snapshot of that name with a log of its changes. '
                ~ (
                    'Make it incremental (materialized, unique_key).' if input
                    else 'There is none; correct the name.'
                )
            ) %}
        {% endif %}
        {% set through = rule.get('through', 'this') %}
        {% if through != 'this' and '.' not in through and not node_of(through) %}
            {% do exceptions.raise_compiler_error(
                which ~ ' goes through ' ~ through ~ ', which is no model, seed or snapshot.'
                ~ ' Correct the name, or write a table of bronze as bronze.table.'
            ) %}
        {% endif %}
        {% set by = rule.get('by', {}) %}
        {% set read = [by] if by is string else by.values() | list %}
        {% do read.extend(rule.get('since', {}).values()) %}
        {% do read.append(rule.matters) if rule.matters %}
        {% if not rule.through %}
            {% do read.extend(key_columns(model) | reject('in', rule.get('keys', {}))) %}
        {% endif %}
        {% set logged = logged_columns(input) %}
        {% for column in read if column not in logged %}
            {% do exceptions.raise_compiler_error(
                which ~ ' reads its column ' ~ column ~ ', but the log of changes has only '
                ~ logged | join(', ') ~ '. Correct the name, or add it to config.meta.logs of '
                ~ rule.changes_of ~ '.'
            ) %}
        {% endfor %}
    {% endfor %}
{% endmacro %}
