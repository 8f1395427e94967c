{#
  dbt's comparison of a snapshot's source with what it holds, of touched keys only: versions of other
  keys are as they were. A key without versions is among them, so that it is invalidated.
#}
{% macro snapshot_staging_table(strategy, source_sql, target_relation) -%}
    {%- do hide_masked_columns(target_relation) if not is_by_touched_keys() -%}
    {%- do follow_column_types(target_relation) -%}
    {%- if is_by_touched_keys() -%}
    {{ default__snapshot_staging_table(
        strategy,
        'select * from (' ~ source_sql ~ ') as versions where ' ~ is_touched(),
        '(select * from ' ~ target_relation ~ ' where ' ~ is_touched() ~ ') as touched_beliefs'
    ) }}
    {%- else -%}
    {{ default__snapshot_staging_table(strategy, source_sql, target_relation) }}
    {%- endif -%}
{%- endmacro %}
