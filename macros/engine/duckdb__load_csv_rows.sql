{#
  Rows of a seed from its file, by DuckDB's own reader. dbt-duckdb's macro of this name ends the path
  at an apostrophe in it: the project may lie in a folder that has one.
#}
{% macro duckdb__load_csv_rows(model, agate_table) %}
    {%- set path = adapter.get_seed_file_path(model) | replace("'", "''") -%}
    {%- set sql = 'copy ' ~ this.render() ~ " from '" ~ path ~ "' (format csv, header true)" -%}
    {%- do adapter.add_query(sql, abridge_sql_log=True) -%}
    {{ return(sql) }}
{% endmacro %}
