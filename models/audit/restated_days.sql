with beliefs as (
    select
        *,
        row_number() over (partition by date_day, channel order by dbt_valid_from) as belief_number
    from {{ ref('daily_sales_history') }}
),

-- What follows a belief: the next one, or nothing where the day was taken back.
followed_beliefs as (
    select *
    from beliefs
    where dbt_valid_to is not null
)

select
    old.date_day,
    old.channel,
    old.dbt_valid_to as restated_at,
    new.restated_at_batch,
    old.orders as old_orders,
    new.orders as new_orders,
    old.gross_amount as old_gross_amount,
    new.gross_amount as new_gross_amount,
    old.net_amount as old_net_amount,
    new.net_amount as new_net_amount,
    old.margin_amount as old_margin_amount,
    new.margin_amount as new_margin_amount,
    old.shipping_amount as old_shipping_amount,
    new.shipping_amount as new_shipping_amount
from followed_beliefs as old
left join beliefs as new
    on old.date_day = new.date_day
    and old.channel = new.channel
    and old.belief_number + 1 = new.belief_number
    and old.dbt_valid_to = new.dbt_valid_from
