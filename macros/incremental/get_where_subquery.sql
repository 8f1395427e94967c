{#
  dbt's own hook into the relation that a generic test reads, beside the test's config `where`: in a
  build only keys that changed are tested (is_changed), and of an append-only model what the build
  appended (config.meta.appended_by: its column of invocation ids); under `dbt test` all.
#}
{% macro get_where_subquery(relation) -%}
    {%- set conditions = [config.get('where')] if config.get('where') else [] -%}
    {%- set node = node_of(relation.identifier) -%}
    {#- A source may have a model's name. -#}
    {%- if node and node.relation_name == relation | string -%}
        {%- set changed = is_changed(node.name) -%}
        {%- if changed | trim != 'true' -%}{%- do conditions.append(changed) -%}{%- endif -%}
        {%- set build = node.config.meta.get('appended_by') -%}
        {%- if flags.WHICH == 'build' and build -%}
            {%- do conditions.append(build ~ " = '" ~ invocation_id ~ "'") -%}
        {%- endif -%}
    {%- endif -%}
    {%- if not conditions -%}
        {%- do return(relation) -%}
    {%- endif -%}
    {%- do return(
        '(select * from ' ~ relation ~ ' where (' ~ conditions | join(') and (') ~ ')) as tested_rows'
    ) -%}
{%- endmacro %}
