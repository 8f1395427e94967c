{#
  Whether what stands in a model's table is, row for row, what one run of its SQL gave: it keeps no
  log, or was written by touched keys not once since it was last built whole.
#}
{% macro was_written_whole(node) %}
    {% if not is_logged(node) %}
        {{ return(true) }}
    {% endif %}
    {% set found = run_query(
        "select max(number) = max(number) filter (where is_whole)"
        ~ " from changes.written where model = '" ~ node.name ~ "'"
    ) %}
    {{ return(found.columns[0].values()[0]) }}
{% endmacro %}
