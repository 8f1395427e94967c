"""Clickstream: visits to web shop and app, some of which end in an order.

Belongs here: sessions and their events.
Does not: orders (`shop.py`).
"""

from duckdb import DuckDBPyConnection

# A visit goes down the funnel and stops somewhere; one that buys ends when its order is placed.
_CLICKSTREAM = """
create table clickstream as
with sessions as (
    select number * 2 as session, number, day, customer, placed_at as ended_at, channel,
        6 as events, first_products.product
    from orders_placed
    inner join (select order_number, product from order_lines where line = 1) as first_products
        on orders_placed.number = first_products.order_number
    where channel <> 'store' and dice(number, 'was tracked') < 0.5
    union all
    select number * 2 + 1 as session, number, day,
        if(dice(number, 'logged in') < 0.4, customer, null) as customer,
        placed_at + to_seconds(die(7200, number, 'looked around')) as ended_at,
        pick(['web', 'web', 'mobile'], number, 'looked around on') as channel,
        case
            when dice(number, 'depth') < 0.45 then 1
            when dice(number, 'depth') < 0.65 then 2
            when dice(number, 'depth') < 0.85 then 3
            when dice(number, 'depth') < 0.95 then 4
            else 5
        end as events,
        floor(products_on(day) * dice(number, 'looked at'))::bigint as product
    from orders_placed
    where dice(number, 'looks around') < 0.6
),

visited as (
    select *, unnest(range(1, events + 1)) as step from sessions
),

described as (
    select
        *,
        session * 8 + step as event,
        ['page_view', 'search', 'product_view', 'add_to_cart', 'checkout_start', 'purchase'][step]
            as event_type,
        ended_at - to_seconds((events - step) * (20 + die(60, session, 'pace'))) as happened_at,
        pick(
            [
                {'city': 'Hamburg', 'country': 'DE'}, {'city': 'Leipzig', 'country': 'DE'},
                {'city': 'Lyon', 'country': 'FR'}, {'city': 'Lille', 'country': 'FR'},
                {'city': 'Sevilla', 'country': 'ES'}, {'city': 'Bilbao', 'country': 'ES'}
            ],
            session, 'place'
        ) as geo_location
    from visited
)

select
    numbered('EVT_', 10, event) as event_id,
    numbered('SESS_', 9, session + 1) as session_id,
    numbered('CUST_', 7, customer + 1) as customer_id,
    event_type,
    happened_at as event_timestamp,
    'https://shop.example/' || case event_type
        when 'page_view' then ''
        when 'search' then 'search'
        when 'product_view' then numbered('p/PROD_', 5, product + 1)
        when 'add_to_cart' then 'cart'
        else 'checkout'
    end as page_url,
    if(step >= 3, numbered('PROD_', 5, product + 1), null) as product_id,
    if(channel = 'mobile', 'mobile', pick(['desktop', 'desktop', 'tablet'], session, 'device'))
        as device_type,
    pick(['Chrome', 'Safari', 'Firefox', 'Edge'], session, 'browser') as browser,
    if(channel = 'mobile', pick(['iOS', 'Android'], session, 'os'),
        pick(['Windows', 'macOS', 'Linux'], session, 'os')) as os,
    '198.51.100.' || die(256, session, 'address') as ip_address,
    geo_location,
    if(step = 1, pick(['https://search.example/', 'https://news.example/', null], session, 'from'),
        null) as referrer,
    case when event_type = 'search' then
        pick(['lamp', 'tent', 'sneakers', 'novel', 'kettle'], session, 'words') end as search_query,
    120 + floor(3000 * dice(event, 'load') ** 4)::bigint as page_load_time_ms,
    3 + die(120, event, 'stay') as time_on_page_sec,
    die(101, event, 'scroll') as scroll_depth_pct,
    day as _day
from described
order by _day, happened_at, event
"""


def create_visits(connection: DuckDBPyConnection) -> None:
    """Table `clickstream`; after `order_lines`."""
    connection.execute(_CLICKSTREAM)
