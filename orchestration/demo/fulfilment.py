"""Payments, shipments and stock.

Belongs here: what follows an order.
Does not: the order itself (`shop.py`), what led to it (`visits.py`).
"""

from duckdb import DuckDBPyConnection

from orchestration.demo.chance import Plan

# Addresses are of the networks kept for documentation (RFC 5737).
_PAYMENTS = """
create table payments as
with attempts as (
    select
        number,
        payment_method,
        total_cents,
        fate,
        placed_at + to_seconds(60 + die(240, number, 'paid')) as tried_at,
        dice(number, 'first try') < 0.06 and payment_method <> 'cash' as failed_first,
        fate = 'cancelled' and dice(number, 'never paid') < 0.5 as is_never_paid,
        payment_method = 'bank_transfer' as is_slow,
        coalesce(cancelled_at + interval '1 hour', returned_at + interval '30 hours') as refunded_at
    from order_totals
),

steps as (
    select
        *,
        unnest([
            {{'try': 1, 'status': pick(['failed', 'declined'], number, 'failed'),
                'at': if(failed_first or is_never_paid, tried_at, null)}},
            {{'try': 2, 'status': 'pending',
                'at': if(is_slow and not is_never_paid, tried_at + interval '5 minutes', null)}},
            {{'try': 2,
                'status': pick(['success', 'succeeded', 'completed', 'captured', 'approved'],
                    number, 'succeeded'),
                'at': if(
                    is_never_paid,
                    null,
                    tried_at + to_seconds(if(failed_first, 150, 0) + if(is_slow, 90000, 0))
                )}},
            {{'try': 3, 'status': 'refunded', 'at': if(is_never_paid, null, refunded_at)}}
        ]) as step
    from attempts
)

select
    numbered('TXN_', 8, number + 1) || '_' || step.try as transaction_id,
    numbered('ORD_', 8, number + 1) as order_id,
    payment_method,
    if(payment_method = 'card', pick(['visa', 'visa', 'mastercard', 'amex'], number, 'card'), null)
        as card_type,
    money(total_cents) as amount,
    'EUR' as currency,
    step.status as status,
    case
        when step.try = 1 then pick(['05', '51', '54'], number, 'declined')
        when step.status <> 'pending' then '00'
    end as gateway_response_code,
    dice(number, 'abroad') < 0.07 as is_international,
    step.at as transaction_timestamp,
    floor(100 * dice(number * 4 + step.try, 'risk') ** 3)::bigint as risk_score,
    '203.0.113.' || die(256, number, 'address') as ip_address,
    substr(md5(number::varchar), 1, 16) as device_fingerprint,
    date_diff('day', date '{start}'::timestamp, step.at) as _day
from steps
where step.at < date '{start}' + {end}
order by _day, step.at, number, step.try
"""

_SHIPMENTS = """
create table shipments as
with steps as (
    select
        *,
        unnest([
            {{'status': 'in_transit', 'at': shipped_at}},
            {{'status': 'delivered', 'at': delivered_at}}
        ]) as step
    from order_totals
    where shipped_at is not null
)

select
    numbered('SHIP_', 8, number + 1) as shipment_id,
    numbered('ORD_', 8, number + 1) as order_id,
    numbered('TRK', 10, die(1000000000, number, 'tracking')) as tracking_number,
    pick(['DHL', 'DPD', 'GLS', 'UPS'], number, 'carrier') as carrier,
    service_type,
    numbered('WH_', 2, die(3, number, 'warehouse') + 1) as warehouse_id,
    money(
        least(390 + weight_grams // 20 + if(service_type = 'express', 600, 0), 9500)
    ) as shipping_cost,
    (weight_grams / 1000)::decimal(10, 3) as package_weight_kg,
    (shipped_at::date + promised_days)::date as estimated_delivery,
    if(step.status = 'delivered', delivered_at::date, null) as actual_delivery,
    step.status as shipping_status,
    step.at as updated_at,
    date_diff('day', date '{start}'::timestamp, step.at) as _day
from steps
where step.at < date '{start}' + {end}
order by _day, step.at, number
"""

# Stock falls by the same number of pieces every day and is refilled when the shelf is empty.
_INVENTORY = """
create table inventory as
with shelves as (
    select
        number,
        warehouse,
        number * 4 + warehouse as shelf,
        50 + die(350, number * 4 + warehouse, 'capacity') as capacity,
        3 + die(25, number * 4 + warehouse, 'rate') as rate
    from range({products}) as numbers(number), range(1, 4) as warehouses(warehouse)
),

counted as (
    select shelves.*, day, date, (die(capacity, shelf, 'phase') + day * rate) % capacity as sold
    from shelves
    inner join calendar on shelves.number < products_on(day)
)

select
    numbered('PROD_', 5, number + 1) as product_id,
    numbered('WH_', 2, warehouse) as warehouse_id,
    date as snapshot_date,
    greatest(capacity - sold - 10, 0) as quantity_on_hand,
    die(6, shelf * 400 + day, 'reserved') * greatest(capacity - sold - 10, 0) // 20
        as quantity_reserved,
    capacity // 5 as reorder_point,
    capacity as reorder_quantity,
    (date - (sold // rate)::int)::date as last_restock_date,
    day as _day
from counted
order by _day, number, warehouse
"""


def create_fulfilment(connection: DuckDBPyConnection, plan: Plan) -> None:
    """Tables `payments`, `shipments`, `inventory`; after `order_totals`."""
    for sql in (_PAYMENTS, _SHIPMENTS, _INVENTORY):
        connection.execute(
            sql.format(start=plan.start, end=plan.all_days, products=plan.all_products)
        )
