-- Facts of stock and of visits.

create table fact_inventory as
with counted as (
    select
        inventory.*, greatest(quantity_on_hand, 0) as on_hand,
        on_hand - coalesce(quantity_reserved, 0) as available,
        coalesce(available <= reorder_point, false) as needs_reorder
    from inventory
)

select
    day_key(snapshot_date) as snapshot_date_key,
    coalesce(dim_product.product_key, '-1') as product_key, counted.product_id, warehouse_id,
    on_hand as quantity_on_hand, quantity_reserved, available as quantity_available,
    reorder_point, needs_reorder,
    case when available <= 0 then 'Out of Stock' when needs_reorder then 'Reorder Required'
        when available <= reorder_point * 1.5 then 'Low Stock' else 'In Stock' end as stock_status,
    (on_hand::decimal(10, 0) * dim_product.cost_price)::decimal(28, 2) as stock_value,
    counted.quantity_on_hand < 0 as had_negative_stock
from counted
left join dim_product
    on counted.product_id = dim_product.product_id
    and counted.snapshot_date >= dim_product.valid_from
    and (counted.snapshot_date < dim_product.valid_to or dim_product.valid_to is null);

create table fact_sessions as
with sessions as (
    select
        session_id,
        max_by(customer_id, (happened_at, event_id)) filter (where customer_id is not null)
            as customer_id,
        min(happened_at) as started_at, max(happened_at) as ended_at, count(*) as events,
        count(*) filter (where event_type in ('page_view', 'view')) as page_views,
        count(*) filter (where event_type = 'product_view') as product_views,
        count(*) filter (where event_type in ('add_to_cart', 'cart_add')) as cart_adds,
        count(*) filter (where stage_rank = 4) as checkouts,
        count(*) filter (where stage_rank = 5) as purchases,
        count(*) filter (where event_type = 'search') as searches,
        max(coalesce(stage_rank, 1)) as stage_rank
    from events
    left join event_types using (event_type)
    group by session_id
)

select
    session_id, day_key(started_at) as date_key,
    coalesce(dim_customer.customer_key, '-1') as customer_key, started_at, ended_at,
    (epoch(ended_at) - epoch(started_at))::bigint as duration_seconds, events, page_views,
    product_views, cart_adds, checkouts, searches,
    ['visit', 'product_view', 'cart', 'checkout', 'purchase'][stage_rank] as reached_stage,
    events = 1 as is_bounce, purchases > 0 as converted
from sessions
left join dim_customer
    on sessions.customer_id = dim_customer.customer_id
    and started_at >= dim_customer.valid_from
    and (started_at < dim_customer.valid_to or dim_customer.valid_to is null);
