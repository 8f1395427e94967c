{#
  Intervals [valid_from, valid_to) of one key that are empty, or reach into the next one.
  key: the key's column; condition: which rows to look at.
#}
{% test intervals_do_not_overlap(model, key, condition='true') %}
with intervals as (
    select
        {{ key }},
        valid_from,
        valid_to,
        lead(valid_from) over (partition by {{ key }} order by valid_from) as next_valid_from
    from {{ model }}
    where {{ condition }}
)

select *
from intervals
where valid_from >= valid_to
    or next_valid_from < valid_to
    or (valid_to is null and next_valid_from is not null)
{% endtest %}
