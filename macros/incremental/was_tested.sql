{#
  Whether all tests of a model or snapshot have passed since it was last built whole. Asked once per
  invocation: the answer is kept with the node in dbt's graph, which lasts as long as the manifest.
#}
{% macro was_tested(name) %}
    {% set node = node_of(name) %}
    {% set answer = 'was_tested_' ~ invocation_id %}
    {% if answer not in node %}
        {% set marks = run_query(
            "select coalesce(max(number) >= (select max(number) from changes.written"
            ~ " where model = '" ~ name ~ "' and is_whole), false)"
            ~ " from changes.read where model = 'tests' and input = '" ~ name ~ "'"
        ) %}
        {% do node.update({answer: marks.columns[0].values()[0]}) %}
    {% endif %}
    {{ return(node[answer]) }}
{% endmacro %}
