{{ config(meta={'dagster': {'ref': {'name': 'fact_sales'}}}) }}

-- Money per order, from silver with the formula written out once more, against fact_sales; rounding
-- is by whole cents, so that it shares no macro with the model.
with silver_amounts as (
    select
        order_items.order_id,
        count(*) as order_lines,
        sum(order_items.quantity * order_items.unit_price) as gross_amount,
        sum(
            floor(
                order_items.quantity * order_items.unit_price
                * (100 - coalesce(order_items.discount_percent, 0)) + 0.5
            ) * 0.01
        ) as net_amount
    from {{ ref('order_items') }} as order_items
    inner join {{ ref('orders') }} as orders on order_items.order_id = orders.order_id
    where {{ is_changed('fact_sales', ['order_items.order_id']) }}
    group by order_items.order_id
),

sold_amounts as (
    select
        order_id,
        count(*) as order_lines,
        sum(gross_amount) as gross_amount,
        sum(net_amount) as net_amount
    from {{ ref('fact_sales') }}
    where {{ is_changed('fact_sales') }}
    group by order_id
)

select
    coalesce(silver_amounts.order_id, sold_amounts.order_id) as order_id,
    silver_amounts.net_amount as silver_net_amount,
    sold_amounts.net_amount
from silver_amounts
full outer join sold_amounts on silver_amounts.order_id = sold_amounts.order_id
where
    silver_amounts.order_lines is distinct from sold_amounts.order_lines
    or silver_amounts.gross_amount is distinct from sold_amounts.gross_amount
    or silver_amounts.net_amount is distinct from sold_amounts.net_amount
