{#
  How dbt runs a data test, in place of its own way: the failing rows are counted first, and only a test
  that has some keeps them as a table (in the schema of `store_failures`). Almost every test passes; a
  table dropped and made again for each costs more than most tests do, and schema test_failures
  holds nothing but failures. A test that fails is computed twice.
#}
{% materialization test, default %}
    {%- set failing_rows = get_limit_subquery_sql(sql, config.get('limit')) -%}
    {%- call statement('main', fetch_result=true) -%}
        {{ get_test_sql(
            failing_rows, config.get('fail_calc'), config.get('warn_if'), config.get('error_if'), limit=none
        ) }}
    {%- endcall -%}
    {%- set kept = [] -%}
    {%- if should_store_failures() -%}
        {%- set before = adapter.get_relation(database, schema, model.alias) -%}
        {%- if before -%}
            {%- do adapter.drop_relation(before) -%}
            {%- do adapter.commit() -%}
        {%- endif -%}
        {%- if load_result('main').table.rows[0].values()[0] -%}
            {%- do kept.append(
                api.Relation.create(database, schema, identifier=model.alias, type='table')
            ) -%}
            {%- call statement(auto_begin=true) -%}
                {{ get_create_sql(kept[0], failing_rows) }}
            {%- endcall -%}
            {%- do adapter.commit() -%}
        {%- endif -%}
    {%- endif -%}
    {{ return({'relations': kept}) }}
{% endmaterialization %}
