with sessions as (
    select *
    from {{ ref('sessions') }}
    where {{ is_touched() }}
)

-- One customer version is valid at an instant.
select
    sessions.session_id,
    {{ date_key('sessions.started_at') }} as date_key,
    coalesce(customers.customer_key, '-1') as customer_key,
    sessions.started_at,
    sessions.ended_at,
    sessions.duration_seconds,
    sessions.events,
    sessions.page_views,
    sessions.product_views,
    sessions.cart_adds,
    sessions.checkouts,
    sessions.searches,
    sessions.reached_stage,
    sessions.is_bounce,
    sessions.converted,
    sessions.customer_id,
    sessions.purchases,
    sessions.device_type
from sessions
left join {{ ref('dim_customer') }} as customers
    on sessions.customer_id = customers.customer_id
    and {{ is_valid_at('customers', 'sessions.started_at') }}
