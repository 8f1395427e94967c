-- Versions in business time, dimensions and facts.

create temp table customer_versions as
with hashed as (
    select
        *,
        case when not is_deletion then hash(
            first_name, last_name, email, phone, date_of_birth, gender, registration_date,
            loyalty_tier, preferences
        ) end as content
    from customer_rows
    where reasons = ''
    qualify row_number() over (
        partition by customer_id, changed_at order by batch_date desc, file desc, record desc
    ) = 1
),

steps as (
    from hashed
    qualify content is distinct from
        lag(content) over (partition by customer_id order by changed_at)
),

bounded as (
    select *, lead(changed_at) over (partition by customer_id order by changed_at) as valid_to
    from steps
)

select
    * exclude (is_deletion, content),
    if(
        row_number() over (partition by customer_id order by changed_at) = 1,
        least(changed_at, timestamp '1900-01-01'),
        changed_at
    ) as valid_from
from bounded
where not is_deletion;

create temp table address_versions as
with steps as (
    from (
        select *, hash(customer_id, address_line_1, city, state, postcode, country) as content
        from address_rows
        where reasons = ''
        qualify row_number() over (
            partition by address_id, changed_at order by batch_date desc, file desc, record desc
        ) = 1
    )
    qualify content is distinct from
        lag(content) over (partition by address_id order by changed_at)
)

select
    * exclude (content),
    if(
        row_number() over (partition by address_id order by changed_at) = 1,
        least(changed_at, timestamp '1900-01-01'),
        changed_at
    ) as valid_from,
    lead(changed_at) over (partition by address_id order by changed_at) as valid_to
from steps;

create temp table product_versions as
with steps as (
    from (
        select
            *,
            hash(
                product_name, category, sub_category, brand, supplier_id, price, cost_price,
                currency, weight_kg, rating, review_count, is_active, launch_date, attributes
            ) as content
        from product_rows
        where reasons = ''
        qualify row_number() over (
            partition by product_id, changed_at order by batch_date desc, file desc, record desc
        ) = 1
    )
    qualify content is distinct from
        lag(content) over (partition by product_id order by changed_at)
)

select
    * exclude (content),
    if(
        row_number() over (partition by product_id order by changed_at) = 1,
        least(changed_at, timestamp '1900-01-01'),
        changed_at
    ) as valid_from,
    lead(changed_at) over (partition by product_id order by changed_at) as valid_to
from steps;

create table dim_date as
select
    day_key(day) as date_key, day::date as date_day, year(day) as year, quarter(day) as quarter,
    month(day) as month, monthname(day) as month_name, week(day) as week_of_year,
    day(day) as day_of_month, isodow(day) as day_of_week, dayname(day) as day_name,
    isodow(day) >= 6 as is_weekend, day(day) = 1 as is_month_start,
    day = last_day(day) as is_month_end,
    ['Winter', 'Spring', 'Summer', 'Autumn'][month(day) % 12 // 3 + 1] as season,
    month(day) in (11, 12, 1) as is_holiday_season
from range(date '2009-01-01', date '2031-01-01', interval 1 day) as days (day);

create table dim_customer as
with members as (
    select
        versions.*, clock.as_of_date, genders.gender as standard_gender,
        year(clock.as_of_date) - year(date_of_birth) as age,
        date_diff('day', registration_date, clock.as_of_date) as tenure_days,
        regexp_replace(phone, '[^0-9]', '', 'g') as digits
    from customer_versions as versions
    left join genders on lower(versions.gender) = genders.raw_gender
    cross join clock
)

select
    md5(customer_id || '|' || valid_from::varchar) as customer_key,
    customer_id,
    case when email is not null then sha256(
        getvariable('pii_outer_pad')
        || unhex(sha256(getvariable('pii_inner_pad') || encode(email)))
    ) end as email_hash,
    case when regexp_matches(email, '^[^@\s]+@[^@\s.]+([.][^@\s.]+)+$')
        then split_part(email, '@', 2) end as email_domain,
    email is not null as has_email,
    case when length(digits) between 7 and 15 then '*******' || right(digits, 2)
        when phone is not null then '*********' end as phone_masked,
    coalesce(standard_gender, gender) as gender,
    year(date_of_birth) as birth_year,
    age,
    case when age < 25 then 'Gen Z' when age < 40 then 'Millennial' when age < 55 then 'Gen X'
        when age >= 55 then 'Boomer+' else 'Unknown' end as age_segment,
    registration_date,
    tenure_days,
    case when tenure_days < 30 then 'New' when tenure_days < 365 then 'Active'
        when tenure_days >= 365 then 'Established' else 'Unknown' end as lifecycle_stage,
    loyalty_tier,
    nullif(array_to_string(list_sort(preferences ->> '$.categories[*]'), ', '), '')
        as preferred_categories,
    nullif(array_to_string(list_sort(preferences ->> '$.communication[*]'), ', '), '')
        as preferred_channels,
    valid_from,
    valid_to,
    valid_to is null as is_current
from members;

insert into dim_customer by name
select '-1' as customer_key, 'Unknown' as age_segment, 'Unknown' as lifecycle_stage,
    timestamp '1900-01-01' as valid_from, true as is_current;

create table dim_address as
select
    md5(address_id || '|' || valid_from::varchar) as address_key, address_id, customer_id, city,
    state, postcode, country, valid_from, valid_to, valid_to is null as is_current
from address_versions;

insert into dim_address by name
select '-1' as address_key, timestamp '1900-01-01' as valid_from, true as is_current;

create table dim_product as
select
    md5(product_id || '|' || valid_from::varchar) as product_key, product_id, product_name,
    category, sub_category, brand, supplier_id, price, cost_price,
    price - cost_price as margin_amount,
    quotient((price - cost_price) * 100, price) as margin_pct,
    case when price < 50 then 'Budget' when price < 200 then 'Mid-range'
        when price < 500 then 'Premium' when price >= 500 then 'Luxury' else 'Unknown' end
        as price_segment,
    rating,
    case when rating >= 4.5 then 'Excellent' when rating >= 4 then 'Good'
        when rating >= 3 then 'Average' when rating < 3 then 'Poor' else 'Not Rated' end
        as rating_category,
    is_active, launch_date, valid_from, valid_to, valid_to is null as is_current
from product_versions;

insert into dim_product by name
select '-1' as product_key, 'Unknown' as price_segment, 'Not Rated' as rating_category,
    timestamp '1900-01-01' as valid_from, true as is_current;

create table fact_sales as
with lines as (
    select
        items.item_id, items.order_id, orders.ordered_at, orders.customer_id, items.product_id,
        coalesce(dim_customer.customer_key, '-1') as customer_key,
        coalesce(dim_address.address_key, '-1') as address_key,
        coalesce(dim_product.product_key, '-1') as product_key,
        orders.order_status, items.item_status, orders.channel, orders.payment_method,
        items.quantity, items.unit_price, items.discount_percent, orders.currency,
        orders.is_revenue,
        (items.quantity::decimal(10, 0) * items.unit_price)::decimal(18, 2) as gross_amount,
        round(
            items.quantity::decimal(10, 0) * items.unit_price
            * (100 - coalesce(items.discount_percent, 0)) * 0.01,
            2
        )::decimal(18, 2) as net_amount,
        (items.quantity::decimal(10, 0) * dim_product.cost_price)::decimal(18, 2) as cost_amount
    from order_items as items
    inner join orders on items.order_id = orders.order_id
    left join dim_customer
        on orders.customer_id = dim_customer.customer_id
        and orders.ordered_at >= dim_customer.valid_from
        and (orders.ordered_at < dim_customer.valid_to or dim_customer.valid_to is null)
    left join dim_address
        on orders.shipping_address_id = dim_address.address_id
        and orders.ordered_at >= dim_address.valid_from
        and (orders.ordered_at < dim_address.valid_to or dim_address.valid_to is null)
    left join dim_product
        on items.product_id = dim_product.product_id
        and orders.ordered_at >= dim_product.valid_from
        and (orders.ordered_at < dim_product.valid_to or dim_product.valid_to is null)
)

select
    *,
    day_key(ordered_at) as order_date_key,
    gross_amount - net_amount as discount_amount,
    net_amount - cost_amount as margin_amount
from lines;

create table fact_payments as
select
    payments.transaction_id, payments.order_id, day_key(payments.transaction_at) as date_key,
    coalesce(dim_customer.customer_key, '-1') as customer_key, payments.amount, payments.currency,
    payments.payment_method, payments.status, payments.risk_score, payments.is_international,
    payments.transaction_at
from payments
inner join orders on payments.order_id = orders.order_id
left join dim_customer
    on orders.customer_id = dim_customer.customer_id
    and payments.transaction_at >= dim_customer.valid_from
    and (payments.transaction_at < dim_customer.valid_to or dim_customer.valid_to is null);

create table fact_shipments as
with dated as (
    select
        shipments.*,
        date_diff('day', as_day(orders.ordered_at), actual_delivery) as delivery_days,
        coalesce(
            actual_delivery, if(clock.as_of_date > estimated_delivery, clock.as_of_date, null)
        ) as late_until
    from shipments
    inner join orders on shipments.order_id = orders.order_id
    cross join clock
)

select
    shipment_id, order_id, carrier, service_type, warehouse_id, shipping_cost,
    estimated_delivery, actual_delivery, delivery_days,
    date_diff('day', estimated_delivery, late_until) as delay_days,
    speed(actual_delivery is not null, delay_days) as delivery_performance, shipping_status
from dated;

create table fact_orders as
with lines as (
    select order_id, count(*) as item_count, sum(quantity) as units,
        sum(gross_amount) as gross_amount, sum(net_amount) as net_amount
    from fact_sales
    group by order_id
),

paid as (
    select order_id, sum(amount) as paid_amount, min(transaction_at) as paid_at
    from fact_payments
    where status = 'SUCCESS'
    group by order_id
),

delivered as (
    select
        order_id, count(*) = count(actual_delivery) as is_delivered,
        if(is_delivered, max(actual_delivery), null) as delivered_on,
        if(is_delivered, max(delay_days), null) as late_days
    from fact_shipments
    group by order_id
),

departed as (
    select shipments.order_id, min(reports.changed_at) as shipped_at
    from shipments
    inner join shipment_rows as reports on shipments.shipment_id = reports.shipment_id
    where reports.reasons = ''
    group by shipments.order_id
)

select
    orders.order_id, day_key(orders.ordered_at) as order_date_key, orders.ordered_at,
    coalesce(dim_customer.customer_key, '-1') as customer_key, orders.customer_id,
    orders.order_status, orders.channel, coalesce(lines.item_count, 0) as item_count,
    coalesce(lines.units, 0) as units,
    coalesce(lines.gross_amount, 0)::decimal(38, 2) as gross_amount,
    coalesce(lines.net_amount, 0)::decimal(38, 2) as net_amount, orders.shipping_amount,
    coalesce(paid.paid_amount, 0)::decimal(38, 2) as paid_amount, paid.paid_at,
    departed.shipped_at, delivered.delivered_on::timestamp as delivered_at,
    paid.paid_at is not null as is_paid,
    date_diff('day', as_day(orders.ordered_at), delivered.delivered_on) as days_to_deliver,
    speed(coalesce(delivered.is_delivered, false), delivered.late_days) as delivery_performance,
    orders.is_revenue
from orders
left join lines on orders.order_id = lines.order_id
left join paid on orders.order_id = paid.order_id
left join delivered on orders.order_id = delivered.order_id
left join departed on orders.order_id = departed.order_id
left join dim_customer
    on orders.customer_id = dim_customer.customer_id
    and orders.ordered_at >= dim_customer.valid_from
    and (orders.ordered_at < dim_customer.valid_to or dim_customer.valid_to is null);

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
