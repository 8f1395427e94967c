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
    belief_before.date_day,
    belief_before.channel,
    belief_before.dbt_valid_to as restated_at,
    belief_after.restated_at_batch,
    belief_before.orders as old_orders,
    belief_after.orders as new_orders,
    belief_before.gross_amount as old_gross_amount,
    belief_after.gross_amount as new_gross_amount,
    belief_before.net_amount as old_net_amount,
    belief_after.net_amount as new_net_amount,
    belief_before.margin_amount as old_margin_amount,
    belief_after.margin_amount as new_margin_amount,
    belief_before.shipping_amount as old_shipping_amount,
    belief_after.shipping_amount as new_shipping_amount
from followed_beliefs as belief_before
left join beliefs as belief_after
    on belief_before.date_day = belief_after.date_day
    and belief_before.channel = belief_after.channel
    and belief_before.belief_number + 1 = belief_after.belief_number
    and belief_before.dbt_valid_to = belief_after.dbt_valid_from
where
    belief_before.orders is distinct from belief_after.orders
    or belief_before.gross_amount is distinct from belief_after.gross_amount
    or belief_before.net_amount is distinct from belief_after.net_amount
    or belief_before.margin_amount is distinct from belief_after.margin_amount
    or belief_before.shipping_amount is distinct from belief_after.shipping_amount
