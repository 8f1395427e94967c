{{ config(meta={'dagster': {'ref': {'name': 'quarantine'}}}) }}

-- Money, to the cent and per currency: what landed in files that count = what was accepted + what
-- quarantine holds. Landed amounts are read from bronze anew, not from staging.
{%- set amounts = {
    'orders': ['total_amount', 'currency'],
    'payments': ['amount', 'currency'],
    'shipments': ['shipping_cost', none],
} %}
with landed as (
    {% for feed, (amount, currency) in amounts.items() %}
    select
        '{{ feed }}' as feed,
        upper(trim({{ 'bronze_rows.' ~ currency if currency else "''" }})) as currency,
        sum({{ read_as('decimal(18,2)', 'trim(bronze_rows.' ~ amount ~ ')') }}) as amount
    from {{ source('bronze', feed) }} as bronze_rows
    inner join {{ source('bronze', 'files') }} as files
        on bronze_rows._file_id = files.file_id and files.status = 'loaded'
    group by all
    union all
    {% endfor %}
    select
        'order_items' as feed,
        '' as currency,
        sum({{ net_amount(
            read_as('integer', 'trim(bronze_rows.quantity)'),
            read_as('decimal(18,2)', 'trim(bronze_rows.unit_price)'),
            read_as('decimal(5,2)', 'trim(bronze_rows.discount_percent)')
        ) }}) as amount
    from {{ source('bronze', 'order_items') }} as bronze_rows
    inner join {{ source('bronze', 'files') }} as files
        on bronze_rows._file_id = files.file_id and files.status = 'loaded'
    where
        try_cast(bronze_rows.quantity as double) * try_cast(bronze_rows.unit_price as double)
        between -1e15 and 1e15
),

accepted as (
    {% for feed, (amount, currency) in amounts.items() %}
    select
        '{{ feed }}' as feed,
        {{ 'upper(staged.' ~ currency ~ ')' if currency else "''" }} as currency,
        sum(staged.{{ amount }}) as amount
    from {{ ref('stg_' ~ feed) }} as staged
    where staged.is_accepted
    group by all
    union all
    {% endfor %}
    select
        'order_items' as feed,
        '' as currency,
        sum(_amount) as amount
    from {{ ref('stg_order_items') }}
    where is_accepted
),

held as (
    select
        feed,
        case
            when feed in ('orders', 'payments')
                then upper(trim({{ json_text('original', 'currency') }}))
            else ''
        end as currency,
        sum(amount_held) as amount
    from {{ ref('quarantine') }}
    where feed in ('orders', 'payments', 'shipments', 'order_items')
    group by all
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
