{#
  Whether nothing of the node at hand can be kept: it was never built whole by the code and the key of
  today, or something it reads was built whole since it read it. Asked once per node (see was_tested).
#}
{% macro everything_is_touched() %}
    {% set node = graph.nodes[model.unique_id] %}
    {% set answer = 'everything_is_touched_' ~ invocation_id %}
    {% if answer not in node %}
        {% set reasons %}
        select coalesce(max_by(code, number), '') <> getvariable('project_code')
        from changes.written
        where model = '{{ model.name }}' and is_whole
        {% for input in touch_rules() | map(attribute='changes_of') | unique %}
        union all
        select coalesce(max(number), 0) > coalesce(
            (
                select max(number) from changes.read
                where model = '{{ model.name }}' and input = '{{ input }}'
            ),
            -1
        )
        from changes.written
        where model = '{{ input }}' and is_whole
        {% endfor %}
        {% endset %}
        {% do node.update({answer: true in run_query(reasons).columns[0].values()}) %}
    {% endif %}
    {{ return(node[answer]) }}
{% endmacro %}
