"""The catalogue, orders and their lines.

Belongs here: products and their prices over time, who orders what, how an order's status goes on.
Does not: paying, shipping, stock (`fulfilment.py`).
"""

from duckdb import DuckDBPyConnection

from orchestration.demo.chance import Plan, insert_rows

# category, sub-category, thing, lowest and highest price in EUR, typical weight in grams
_THINGS = (
    ("Electronics", "Audio", "Headphones", 29, 349, 280),
    ("Electronics", "Audio", "Speaker", 39, 449, 1900),
    ("Electronics", "Phones", "Smartphone", 199, 1299, 210),
    ("Electronics", "Computers", "Laptop", 449, 1399, 1700),
    ("Electronics", "Accessories", "Charger", 12, 59, 120),
    ("Fashion", "Shoes", "Sneakers", 49, 189, 900),
    ("Fashion", "Women", "Dress", 29, 159, 400),
    ("Fashion", "Men", "Jacket", 59, 299, 1100),
    ("Home", "Kitchen", "Kettle", 24, 119, 1300),
    ("Home", "Kitchen", "Pan", 19, 149, 1600),
    ("Home", "Living", "Lamp", 25, 249, 2200),
    ("Home", "Living", "Armchair", 149, 899, 14000),
    ("Sports", "Outdoor", "Backpack", 35, 199, 1200),
    ("Sports", "Outdoor", "Tent", 79, 499, 4200),
    ("Sports", "Fitness", "Dumbbell", 15, 99, 5000),
    ("Books", "Fiction", "Novel", 8, 29, 400),
    ("Books", "Science", "Textbook", 24, 89, 1100),
    ("Beauty", "Skin", "Cream", 6, 79, 150),
    ("Beauty", "Hair", "Shampoo", 4, 24, 350),
    ("Toys", "Games", "Board Game", 15, 69, 1000),
)

# Prices change at midnight, so that any hour of a day has one price. Every 37th product goes off
# sale; it is never sold (see order_lines).
_PRODUCT_VERSIONS = """
create table product_versions as
with launched as (
    select
        number,
        case
            when number < {known} then -30 - die(1500, number, 'launched')
            else ((number - {known}) * {days}) // ({total} - {known})
        end as launch_day,
        case when number % 37 = 36 and number < {known} then (number // 37) % {days} end as end_day
    from range({all}) as numbers(number)
),

versions as (
    select number, launch_day, end_day, greatest(launch_day, 0) as day, launch_day as change_day
    from launched
    union all
    select number, launch_day, end_day, day, day as change_day
    from launched
    inner join calendar
        on day > greatest(launch_day, 0)
        and ((end_day is null and (number + day * 13) % 20 = 0) or day = end_day)
),

priced as (
    select
        versions.*,
        things.* exclude (slot, lowest, highest),
        floor(lowest * (highest / lowest) ** dice(versions.number, 'price')) as first_price
    from versions
    inner join things on versions.number % {things} = things.slot
)

select
    *,
    100 * floor(
        first_price
        * if(change_day <= launch_day, 1, 0.85 + 0.3 * dice(number * 1000 + day, 'new price'))
    )::bigint + 99 as price_cents,
    floor(first_price * (40 + die(26, number, 'cost')))::bigint as cost_cents,
    coalesce(day >= end_day, false) as has_ended,
    floor(grams * (0.6 + 0.8 * dice(number, 'weight')))::bigint as weight_grams,
    coalesce(lead(day) over (partition by number order by day), {end}) as until_day
from priced
"""

_PRODUCTS = """
create table products as
select
    numbered('PROD_', 5, product_versions.number + 1) as product_id,
    brands.name || ' ' || thing || ' '
        || pick(['Classic', 'Pro', 'Light', 'Nova', 'Urban', 'Eco', 'Max'],
            product_versions.number, 'line')
        || ' ' || (100 + product_versions.number) as product_name,
    category,
    sub_category,
    brands.name as brand,
    numbered('SUP_', 3, die(40, product_versions.number, 'supplier') + 1) as supplier_id,
    money(price_cents) as price,
    money(cost_cents) as cost_price,
    'EUR' as currency,
    (weight_grams / 1000)::decimal(10, 3) as weight_kg,
    (2.5 + 2.5 * sqrt(dice(product_versions.number * 1000 + day, 'rating')))::decimal(4, 2)
        as rating,
    die(400, product_versions.number, 'reviews') + 3 * greatest(day, 0) as review_count,
    not has_ended as is_active,
    (date '{start}' + launch_day::int)::date as launch_date,
    {{
        'color': pick(['black', 'white', 'blue', 'green', 'red'], product_versions.number, 'color'),
        'warranty_months': pick([12, 24, 36], product_versions.number, 'warranty')
    }} as attributes,
    date '{start}'::timestamp + to_days(launch_day::int) as created_at,
    date '{start}'::timestamp + to_days(change_day::int) as updated_at,
    day as _day
from product_versions
inner join brands on die({brands}, product_versions.number, 'brand') = brands.slot
order by _day, product_versions.number
"""

# Orders of a day are numbered as they were placed; the sine gives quiet nights.
_ORDERS_PLACED = """
create table orders_placed as
with timed as (
    select
        number,
        day,
        date,
        (number - first_order + dice(number, 'gap')) / orders as quantile
    from range({orders}) as numbers(number)
    inner join calendar on number >= first_order and number < first_order + orders
),

chosen as (
    select
        number,
        day,
        date::timestamp
            + to_seconds(floor(86399 * (quantile + 0.11 * sin(2 * pi() * quantile)))::bigint)
            as placed_at,
        floor(customers_on(day) * dice(number, 'customer') ** 1.6)::bigint as customer,
        case
            when dice(number, 'channel') < 0.55 then 'web'
            when dice(number, 'channel') < 0.88 then 'mobile'
            else 'store'
        end as channel,
        dice(number, 'fate') as fate,
        case
            when dice(number, 'lines') < 0.42 then 1
            when dice(number, 'lines') < 0.72 then 2
            when dice(number, 'lines') < 0.88 then 3
            when dice(number, 'lines') < 0.96 then 4
            else 5
        end as lines
    from timed
),

treated as (
    select
        * exclude (fate),
        case
            when channel = 'store' then 'sold'
            when fate < 0.04 then 'cancelled'
            when fate < 0.08 then 'returned'
            when fate < 0.1 then 'held'
            else 'sold'
        end as fate,
        case
            when channel = 'store' then pick(['cash', 'card', 'card'], number, 'method')
            else pick(
                ['card', 'card', 'card', 'card', 'paypal', 'paypal', 'bank_transfer', 'gift_card'],
                number, 'method')
        end as payment_method,
        placed_at + to_seconds(900 + die(20000, number, 'processing')) as processing_at
    from chosen
)

select
    *,
    case when channel <> 'store' and fate <> 'cancelled' then
        processing_at
        + to_seconds(3600 + die(40000, number, 'packing') + if(fate = 'held', 86400, 0))
    end as shipped_at,
    case when fate = 'cancelled' then processing_at + to_seconds(die(86400, number, 'regret')) end
        as cancelled_at,
    if(dice(number, 'service') < 0.25, 'express', 'standard') as service_type,
    if(service_type = 'express', 1, 3) as promised_days,
    case
        when dice(number, 'transit') < 0.2 then greatest(promised_days - 1, 1)
        when dice(number, 'transit') < 0.84 then promised_days
        when dice(number, 'transit') < 0.94 then promised_days + 1
        else promised_days + 2 + die(5, number, 'delay')
    end as transit_days,
    date_trunc('day', shipped_at) + to_days(transit_days::int)
        + to_seconds(32400 + die(30000, number, 'doorbell')) as delivered_at,
    case when fate = 'returned' then
        delivered_at + to_seconds(86400 + die(300000, number, 'return')) end as returned_at
from treated
"""

_ORDER_LINES = """
create table order_lines as
with lines as (
    select
        orders_placed.number as order_number,
        orders_placed.day,
        placed_at,
        coalesce(cancelled_at, returned_at) as undone_at,
        fate,
        unnest(range(1, lines + 1)) as line
    from orders_placed
),

drawn as (
    select
        *,
        order_number * 8 + line as line_key,
        floor(products_on(day) * dice(order_number * 8 + line, 'product') ** 1.4)::bigint
            as drawn_product
    from lines
),

priced as (
    select
        drawn.*,
        product_versions.number as product,
        price_cents,
        weight_grams,
        if(price_cents >= 20000, 1, 1 + die(3, line_key, 'quantity')) as quantity,
        if(dice(line_key, 'is reduced') < 0.2, pick([5, 10, 15, 20, 30], line_key, 'reduced'), 0)
            as discount_percent
    from drawn
    inner join product_versions
        -- Versions of one product do not overlap: one price per line.
        on if(drawn_product % 37 = 36, drawn_product - 1, drawn_product) = product_versions.number
        and drawn.day >= product_versions.day and drawn.day < product_versions.until_day
)

select
    *,
    -- Cents in integers: half is rounded away from zero, exactly.
    (quantity * price_cents * (100 - discount_percent) + 50) // 100 as net_cents
from priced
"""

_ORDER_TOTALS = """
create table order_totals as
with sums as (
    select
        order_number as number,
        sum(net_cents)::bigint as net_cents,
        sum(quantity * weight_grams)::bigint as weight_grams
    from order_lines
    group by order_number
)

select
    orders_placed.*,
    weight_grams,
    if(net_cents >= 5000 and dice(number, 'voucher') < 0.1, 500, 0) as discount_cents,
    if(net_cents >= 6000 or channel = 'store', 0, 495) as shipping_cents,
    net_cents + shipping_cents - discount_cents as total_cents
from orders_placed
inner join sums using (number)
"""

# Of the statuses an order went through on one day its provider delivers the last.
_ORDERS = """
create table orders as
with steps as (
    select
        order_totals.* exclude (day),
        unnest([
            {{'status': if(channel = 'store', 'completed', 'pending'), 'at': placed_at}},
            {{'status': if(fate = 'held', 'on_hold', 'confirmed'),
                'at': if(channel = 'store' or (fate <> 'held' and dice(number, 'confirmed') < 0.5),
                    null, placed_at + interval '11 minutes')}},
            {{'status': 'processing',
                'at': if(channel = 'store' or fate = 'held', null, processing_at)}},
            {{'status': 'cancelled', 'at': cancelled_at}},
            {{'status': 'shipped', 'at': shipped_at}},
            {{'status': 'delivered', 'at': delivered_at}},
            {{'status': 'completed',
                'at': if(fate = 'returned', null, delivered_at + interval '14 days')}},
            {{'status': 'returned', 'at': returned_at}},
            {{'status': 'refunded', 'at': returned_at + interval '30 hours'}}
        ]) as step
    from order_totals
),

delivered as (
    select *, date_diff('day', date '{start}'::timestamp, step.at) as day
    from steps
    where step.at < date '{start}' + {end}
    qualify row_number() over (partition by number, day order by step.at desc) = 1
)

select
    numbered('ORD_', 8, number + 1) as order_id,
    numbered('CUST_', 7, customer + 1) as customer_id,
    placed_at as order_date,
    step.status as order_status,
    money(total_cents) as total_amount,
    money(discount_cents) as discount_amount,
    money(shipping_cents) as shipping_amount,
    'EUR' as currency,
    payment_method,
    channel,
    case when channel <> 'store' then
        numbered('ADDR_', 7, customer + 1) || '_'
        || if(dice(customer, 'second home') < 0.25 and dice(number, 'home') < 0.3, 2, 1)
    end as shipping_address_id,
    placed_at as created_at,
    step.at as updated_at,
    day as _day
from delivered
order by _day, step.at, number
"""

_ORDER_ITEMS = """
create table order_items as
with deliveries as (
    select *, 'ordered' as item_status, placed_at as changed_at from order_lines
    union all
    select *, fate as item_status, undone_at as changed_at
    from order_lines
    where undone_at < date '{start}' + {end}
)

select
    numbered('ITEM_', 8, order_number + 1) || '_' || line as item_id,
    numbered('ORD_', 8, order_number + 1) as order_id,
    numbered('PROD_', 5, product + 1) as product_id,
    quantity,
    money(price_cents) as unit_price,
    discount_percent::decimal(5, 2) as discount_percent,
    item_status,
    placed_at as created_at,
    changed_at as updated_at,
    date_diff('day', date '{start}'::timestamp, changed_at) as _day
from deliveries
order by _day, changed_at, order_number, line
"""


def create_orders_placed(connection: DuckDBPyConnection, plan: Plan) -> None:
    """Table `orders_placed`: who ordered when, and what will become of it."""
    connection.execute(_ORDERS_PLACED.format(orders=plan.all_orders))


def create_shop(connection: DuckDBPyConnection, plan: Plan) -> None:
    """Tables `products`, `orders`, `order_items`, and `order_totals` for what follows them."""
    insert_rows(
        connection,
        "things",
        "slot bigint, category varchar, sub_category varchar, thing varchar, lowest bigint,"
        " highest bigint, grams bigint",
        [(number, *thing) for number, thing in enumerate(_THINGS)],
    )
    (brands,) = connection.execute("select count(*) from brands").fetchone()
    for sql in (_PRODUCT_VERSIONS, _PRODUCTS, _ORDER_LINES, _ORDER_TOTALS, _ORDERS, _ORDER_ITEMS):
        connection.execute(
            sql.format(
                start=plan.start,
                days=plan.days,
                end=plan.all_days,
                total=plan.products,
                all=plan.all_products,
                known=plan.known_products,
                things=len(_THINGS),
                brands=brands,
            )
        )
