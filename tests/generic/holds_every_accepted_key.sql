{#
  Backwards: keys with an accepted row and no accepted deletion that the entity lacks, and keys of
  the entity without an accepted row: between staging and entity nothing is lost and nothing appears.
  In a build only keys whose staged rows changed, whether the entity followed or not.
#}
{% test holds_every_accepted_key(model, feed) %}
{%- set staged = ref('stg_' ~ feed) -%}
{%- if execute -%}
{%- set key = contract(feed).key | join(', ') -%}
{%- set deletes_by_absence = contract(feed).extract == 'full' -%}
with accepted as (
    select {{ key }}, bool_or(is_deletion) as has_deletion
    from {{ staged }}
    where is_accepted and {{ is_changed('stg_' ~ feed, contract(feed).key, contract(feed).key) }}
    group by {{ key }}
),

held as (
    select
        {{ key }},
        true as is_held
    from {{ tested_node().relation_name }}
    where {{ is_changed('stg_' ~ feed, contract(feed).key, contract(feed).key) }}
)

select {{ key }}
from accepted
full outer join held using ({{ key }})
where
    has_deletion is null
    {%- if not deletes_by_absence %}
    or (is_held is null and not has_deletion)
    {%- endif %}
{%- endif -%}
{% endtest %}
