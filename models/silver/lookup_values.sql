{%- set lookups = {
    'currencies': 'currency',
    'event_types': 'event_type',
    'genders': 'raw_gender',
    'order_statuses': 'status',
    'payment_statuses': 'raw_status',
} %}
{% for lookup, value in lookups.items() %}
{%- set relation = ref(lookup) %}
select
    '{{ lookup }}' as lookup,
    lower(trim({{ value }})) as looked_up,
    concat_ws(
        '|'
        {%- for column in adapter.get_columns_in_relation(relation) if execute %}
        , coalesce(cast({{ column.name }} as varchar), '')
        {%- endfor %}
    ) as definition
from {{ relation }}
{{ 'union all' if not loop.last }}
{%- endfor %}
