{#
  Before a snapshot compares: its columns take the types that its source's have now; otherwise new
  beliefs would be cast to the old type, and rounded, without a word. Only where every old belief
  stays what it was; else a person decides.
  target: the snapshot's relation.
#}
{% macro follow_column_types(target) %}
    {% set source_node = graph.nodes[model.depends_on.nodes[0]] %}
    {% set source_relation = adapter.get_relation(
        source_node.database, source_node.schema, source_node.alias
    ) %}
    {% set types = {} %}
    {% for column in adapter.get_columns_in_relation(source_relation) %}
        {% do types.update({column.name: column.dtype}) %}
    {% endfor %}
    {% for column in adapter.get_columns_in_relation(target) %}
        {% set type = types.get(column.name, column.dtype) %}
        {% if type != column.dtype %}
            {% set alter = 'alter table ' ~ target.include(database=false) ~ ' alter column '
                ~ column.name ~ ' set data type ' ~ type %}
            {% set changed = run_query(
                'select count(*) from ' ~ target ~ ' where cast(try_cast(' ~ column.name ~ ' as '
                ~ type ~ ') as ' ~ column.dtype ~ ') is distinct from ' ~ column.name
            ).columns[0].values()[0] %}
            {% if changed %}
                {% do exceptions.raise_compiler_error(
                    target.identifier ~ ': column ' ~ column.name ~ ' has the type ' ~ column.dtype
                    ~ ', but ' ~ source_node.name ~ ' has ' ~ type ~ ' now, and ' ~ changed
                    ~ ' beliefs would lose something. Give it a type in its contract that holds them,'
                    ~ ' or let a steward who accepts the loss run on the warehouse: ' ~ alter
                    ~ ' using try_cast(' ~ column.name ~ ' as ' ~ type ~ ')'
                ) %}
            {% endif %}
            {% do run_query(alter) %}
        {% endif %}
    {% endfor %}
{% endmacro %}
