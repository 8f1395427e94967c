{#
  The keys a feed knows, of those that rows of `step` name in their column of the same name: a row of
  that key is present and accepted, in whatever batch, also if it was deleted since.
#}
{% macro known_keys(feed, key, step) -%}
    select distinct {{ key }}
    from {{ ref('stg_' ~ feed) }}
    where
        is_accepted
        and {{ key }} in (select {{ key }} from {{ step }})
{%- endmacro %}
