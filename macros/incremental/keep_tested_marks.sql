{#
  At the end of dbt: of each model and snapshot whose tests all ran and passed, that its changes so far
  are tested. Then log entries that every reader has read are of no more use.
#}
{% macro keep_tested_marks(results) %}
    {%- if execute and flags.WHICH in ('build', 'test') -%}
    {%- set written = run_query('select distinct model from changes.written').columns[0].values() -%}
    {%- set passed = [] -%}
    {%- set logged = [] -%}
    {%- for result in results if result.status in ('pass', 'warn') -%}
        {%- do passed.append(result.node.unique_id) -%}
    {%- endfor -%}
    {%- for node in graph.nodes.values() if node.name in written and is_logged(node) -%}
        {%- do logged.append(node.name) -%}
        {%- set open = [] -%}
        {%- for test in graph.nodes.values() if test.resource_type == 'test' -%}
            {%- if node.unique_id in test.depends_on.nodes and test.unique_id not in passed -%}
                {%- do open.append(test.unique_id) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if not open %}
    insert into changes.read
    select 'tests', '{{ node.name }}', coalesce(max(number), 0)
    from changes.written where model = '{{ node.name }}';
        {%- endif -%}
    {%- endfor -%}
    {%- for name in logged %}
    delete from changes.{{ name }} where number <= (
        select min(number) from (
            select max(number) as number from changes.read where input = '{{ name }}' group by model
        ) as marks
    );
    {%- endfor %}
    delete from changes.read as older using changes.read as newer
    where older.model = newer.model and older.input = newer.input and older.number < newer.number;
    delete from changes.written as older using changes.written as newer
    where older.model = newer.model and older.number < newer.number
        and (newer.is_whole or not older.is_whole);
    {%- endif %}
{% endmacro %}
