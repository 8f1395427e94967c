{#
  Values of a lookup that two rows hold for one day (valid_from and valid_to, both included, both
  optional), and rows without a value or whose window ends before it begins.
#}
{% test windows_do_not_overlap(model, column_name) %}
with windows as (
    select
        lower(trim({{ column_name }})) as looked_up,
        coalesce(valid_from, date '0001-01-01') as valid_from,
        coalesce(valid_to, date '9999-12-31') as valid_to
    from {{ model }}
)

select
    looked_up,
    valid_from,
    valid_to
from windows
qualify
    looked_up is null
    or valid_from > valid_to
    or lead(valid_from) over (partition by looked_up order by valid_from) <= valid_to
{% endtest %}
