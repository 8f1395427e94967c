{{ config(meta={'dagster': {'ref': {'name': 'quarantine'}}}) }}

-- Money, to the cent and per currency: what landed in files that count = what was accepted + what
-- quarantine holds. Landed amounts are read from bronze and its patches anew, not from staging.
-- In a build only files with changed rows.
{%- set amounts = {
    'orders': ['total_amount', 'currency'],
    'payments': ['amount', 'currency'],
    'shipments': ['shipping_cost', none],
} %}
{%- set line_columns = ['quantity', 'unit_price', 'discount_percent'] %}
{%- set patched_lines = patched_columns('order_items') | select('in', line_columns) | list %}
{%- set line = {} %}
{%- for column in line_columns %}
{%- set value = patched_value('bronze_rows.' ~ column, column, patched_lines) %}
{%- do line.update({column: 'trim(' ~ value ~ ')'}) %}
{%- endfor %}
with counting_files as (
    select min(file_id) as file_id
    from {{ source('bronze', 'files') }}
    where status = 'loaded'
    group by feed, sha256
),

landed as (
    {% for feed, (amount, currency) in amounts.items() %}
    {%- set patched = patched_columns(feed) | select('in', [amount, currency]) | list %}
    {%- set value = patched_value('bronze_rows.' ~ amount, amount, patched) %}
    {%- set delivered_unit = 'bronze_rows.' ~ currency if currency else "''" %}
    {%- set unit = patched_value(delivered_unit, currency, patched) %}
    select
        '{{ feed }}' as feed,
        upper(trim({{ unit }})) as currency,
        sum({{ read_as('decimal(18,2)', 'trim(' ~ value ~ ')') }}) as amount
    from {{ source('bronze', feed) }} as bronze_rows
    inner join counting_files on bronze_rows._file_id = counting_files.file_id
    {{ join_patches(feed, patched) }}
    where {{ is_changed('stg_' ~ feed, ['bronze_rows._file_id'], ['_file_id']) }}
    group by all
    union all
    {% endfor %}
    select
        'order_items' as feed,
        '' as currency,
        sum({{ net_amount(
            read_as('integer', line.quantity),
            read_as('decimal(18,2)', line.unit_price),
            read_as('decimal(5,2)', line.discount_percent)
        ) }}) as amount
    from {{ source('bronze', 'order_items') }} as bronze_rows
    inner join counting_files on bronze_rows._file_id = counting_files.file_id
    {{ join_patches('order_items', patched_lines) }}
    where
        try_cast({{ line.quantity }} as double) * try_cast({{ line.unit_price }} as double)
        between -1e15 and 1e15
        and {{ is_changed('stg_order_items', ['bronze_rows._file_id'], ['_file_id']) }}
),

accepted as (
    {% for feed, (amount, currency) in amounts.items() %}
    select
        '{{ feed }}' as feed,
        {{ 'upper(staged.' ~ currency ~ ')' if currency else "''" }} as currency,
        sum(staged.{{ amount }}) as amount
    from {{ ref('stg_' ~ feed) }} as staged
    where
        staged.is_accepted
        and {{ is_changed('stg_' ~ feed, ['staged._file_id'], ['_file_id']) }}
    group by all
    union all
    {% endfor %}
    select
        'order_items' as feed,
        '' as currency,
        sum(_amount) as amount
    from {{ ref('stg_order_items') }}
    where
        is_accepted
        and {{ is_changed('stg_order_items', ['_file_id'], ['_file_id']) }}
),

held as (
    {% for feed in ['orders', 'payments'] %}
    {%- set patched = patched_columns(feed) | select('equalto', 'currency') | list %}
    {%- set delivered_unit = json_text('held_rows.original', 'currency') %}
    {%- set unit = patched_value(delivered_unit, 'currency', patched) %}
    select
        held_rows.feed,
        upper(trim({{ unit }})) as currency,
        sum(held_rows.amount_held) as amount
    from {{ ref('quarantine') }} as held_rows
    {{ join_patches(feed, patched, 'held_rows.file_id', 'held_rows.row_number') }}
    where
        held_rows.feed = '{{ feed }}'
        and {{ is_changed('stg_' ~ feed, ['held_rows.file_id'], ['_file_id']) }}
    group by all
    union all
    {% endfor %}
    {%- for feed in ['shipments', 'order_items'] %}
    select
        feed,
        '' as currency,
        sum(amount_held) as amount
    from {{ ref('quarantine') }}
    where
        feed = '{{ feed }}'
        and {{ is_changed('stg_' ~ feed, ['file_id'], ['_file_id']) }}
    group by feed
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

balances as (
    select
        feed,
        coalesce(currency, '') as currency,
        amount as landed,
        0 as kept
    from landed
    union all
    select
        feed,
        coalesce(currency, '') as currency,
        0 as landed,
        amount as kept
    from (
        select * from accepted
        union all
        select * from held
    ) as accepted_or_held
)

select
    feed,
    currency,
    coalesce(sum(landed), 0) as landed,
    coalesce(sum(kept), 0) as kept
from balances
group by feed, currency
having coalesce(sum(landed), 0) <> coalesce(sum(kept), 0)
