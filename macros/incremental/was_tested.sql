{# Whether all tests of a model or snapshot have passed since it was last built whole. #}
{% macro was_tested(name) %}
    {% set marks = run_query(
        "select coalesce(max(number) >= (select max(number) from changes.written"
        ~ " where model = '" ~ name ~ "' and is_whole), false)"
        ~ " from changes.read where model = 'tests' and input = '" ~ name ~ "'"
    ) %}
    {{ return(marks.columns[0].values()[0]) }}
{% endmacro %}
