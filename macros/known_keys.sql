{#
  The keys a feed knows: a row of that key is present and accepted, in whatever batch, also if it
  was deleted since.
#}
{% macro known_keys(feed, key) -%}
    select distinct {{ key }} from {{ ref('stg_' ~ feed) }} where is_accepted
{%- endmacro %}
