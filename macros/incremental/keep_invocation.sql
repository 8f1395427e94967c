{#
  Before dbt writes anything: which invocation it is. Who finds another one than that of the last
  recorded build knows that dbt has run by hand since, with whatever seeds and variables.
#}
{% macro keep_invocation() %}
    {%- if execute and flags.WHICH in ('build', 'run', 'seed', 'snapshot', 'retry', 'clone') %}
    create or replace table changes.invocation as select '{{ invocation_id }}' as build_id;
    {%- endif %}
{% endmacro %}
