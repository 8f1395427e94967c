-- Whoever reached a stage passed the ones before it, also where their events did not arrive.
with sessions as (
    select
        *,
        case reached_stage
            when 'product_view' then 2
            when 'cart' then 3
            when 'checkout' then 4
            when 'purchase' then 5
            else 1
        end as stage_rank
    from {{ ref('fact_sessions') }}
    where {{ is_touched(['cast(started_at as date)']) }}
),

sessions_per_day as (
    select
        cast(started_at as date) as date_day,
        count(*) as sessions,
        count(*) filter (where is_bounce) as bounced_sessions,
        count(*) filter (where stage_rank >= 2) as product_view_sessions,
        count(*) filter (where stage_rank >= 3) as cart_sessions,
        count(*) filter (where stage_rank >= 4) as checkout_sessions,
        count(*) filter (where stage_rank >= 5) as purchase_sessions
    from sessions
    group by 1
)

select
    date_day,
    sessions,
    bounced_sessions,
    product_view_sessions,
    cart_sessions,
    checkout_sessions,
    purchase_sessions,
    cast(bounced_sessions as double) / sessions as bounce_rate,
    cast(product_view_sessions as double) / sessions as product_view_rate,
    cast(cart_sessions as double) / nullif(product_view_sessions, 0) as cart_rate,
    cast(checkout_sessions as double) / nullif(cart_sessions, 0) as checkout_rate,
    cast(purchase_sessions as double) / nullif(checkout_sessions, 0) as purchase_rate,
    cast(purchase_sessions as double) / sessions as conversion_rate
from sessions_per_day
