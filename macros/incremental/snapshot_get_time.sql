{#
  Since when a snapshot believes what it finds now: now, or a microsecond after its last change when
  the clock was set back since. A belief never ends before it began.
#}
{% macro snapshot_get_time() -%}
    {%- set now = adapter.dispatch('snapshot_get_time', 'dbt')() | trim -%}
    {%- if load_cached_relation(this) -%}
    greatest({{ now }}, (
        select greatest(max(dbt_valid_from), max(dbt_valid_to)) + interval 1 microsecond from {{ this }}
    ))
    {%- else -%}
    {{ now }}
    {%- endif -%}
{%- endmacro %}
