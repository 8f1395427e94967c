{#
  A keyed hash over all tracked columns of a row: every column of the contract, typed and trimmed,
  also those that silver masks or drops, but not created_at and updated_at. Each value stands behind
  its length, so that no two rows share a text.
#}
{% macro version_hash(feed_contract) -%}
    {%- set values = [] -%}
    {%- for column in feed_contract.columns if column.name not in ('created_at', 'updated_at') -%}
        {%- set text = 'cast(' ~ column.name ~ ' as varchar)' -%}
        {%- do values.append("coalesce(length(" ~ text ~ ") || ':' || " ~ text ~ ", '-')") -%}
    {%- endfor -%}
    {{ keyed_hash(values | join(" || ',' || ")) }}
{%- endmacro %}
