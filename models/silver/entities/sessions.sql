-- depends_on: {{ ref('lookup_values') }}
with events as (
    select
        clickstream.session_id,
        clickstream.event_id,
        clickstream.customer_id,
        clickstream.device_type,
        clickstream.event_timestamp,
        clickstream.event_type,
        coalesce(event_types.stage, 'visit') as stage,
        coalesce(event_types.stage_rank, 1) as stage_rank
    from {{ ref('clickstream') }} as clickstream
    -- Windows of one event type do not overlap (a test of the seed): at most one row each.
    left join {{ ref('event_types') }} as event_types
        on clickstream.event_type = lower(trim(event_types.event_type))
        and {{ in_window('event_types', 'cast(clickstream.event_timestamp as date)') }}
    where {{ is_touched() }}
),

-- A visitor may log in half-way: the last event that knows the customer decides.
per_session as (
    select
        session_id,
        max_by(customer_id, (event_timestamp, event_id)) filter (where customer_id is not null)
            as customer_id,
        min_by(device_type, (event_timestamp, event_id)) filter (where device_type is not null)
            as device_type,
        min(event_timestamp) as started_at,
        max(event_timestamp) as ended_at,
        count(*) as events,
        count(*) filter (where event_type in ('page_view', 'view')) as page_views,
        count(*) filter (where event_type = 'product_view') as product_views,
        count(*) filter (where event_type in ('add_to_cart', 'cart_add')) as cart_adds,
        count(*) filter (where stage = 'checkout') as checkouts,
        count(*) filter (where stage = 'purchase') as purchases,
        count(*) filter (where event_type = 'search') as searches,
        max(stage_rank) as stage_rank
    from events
    group by session_id
)

select
    per_session.session_id,
    per_session.customer_id,
    per_session.device_type,
    per_session.started_at,
    per_session.ended_at,
    cast(
        epoch(per_session.ended_at) - epoch(per_session.started_at) as bigint
    ) as duration_seconds,
    per_session.events,
    per_session.page_views,
    per_session.product_views,
    per_session.cart_adds,
    per_session.checkouts,
    per_session.purchases,
    per_session.searches,
    case per_session.stage_rank
        when 1 then 'visit'
        when 2 then 'product_view'
        when 3 then 'cart'
        when 4 then 'checkout'
        when 5 then 'purchase'
    end as reached_stage,
    per_session.events = 1 as is_bounce,
    per_session.purchases > 0 as converted
from per_session
