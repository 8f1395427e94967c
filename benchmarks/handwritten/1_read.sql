-- The gold tables by hand: one script over all files, as a data engineer writes it who has to do it
-- once. It reads, types, judges, keeps the newest row of a key, computes versions, dimensions, facts
-- and marts. It has no ledger, no tests, no history of beliefs, and knows which columns the files of
-- the demo have. benchmarks/handwritten.py sets the variables: per feed its files, and the two pads
-- of HMAC. The catalog in use is the file that the gold tables are written to; what is temporary
-- stays out of it.

create temp macro clean(delivered) as nullif(trim(delivered), '');
create temp macro as_day(instant) as instant::date;
create temp macro day_key(instant) as
    (year(instant) * 10000 + month(instant) * 100 + day(instant))::int;
-- Exact, half away from zero; a division of decimals would pass through a double.
create temp macro quotient(amount, divisor) as (
    (
        sign((amount * 10000)::hugeint)
        * (
            (2 * abs((amount * 10000)::hugeint) + (divisor * 100)::hugeint)
            // nullif(2 * (divisor * 100)::hugeint, 0)
        )
    )::decimal(38, 0) * 0.01
)::decimal(38, 2);
create temp macro batch_day(file) as
    strptime(regexp_extract(file, '(\d{4}_\d\d_\d\d)[^/]*$', 1), '%Y_%m_%d')::date;
create temp macro speed(is_delivered, late_days) as case
    when not is_delivered then 'Pending'
    when coalesce(late_days, 0) <= 0 then 'On Time'
    when late_days = 1 then 'Slightly Delayed'
    else 'Delayed'
end;

-- Lookups.

create temp table order_statuses as from (values
    ('pending', true), ('confirmed', true), ('processing', true), ('shipped', true),
    ('delivered', true), ('completed', true), ('on_hold', true), ('cancelled', false),
    ('returned', false), ('refunded', false)
) as statuses (status, is_revenue);

create temp table payment_statuses as
select unnest(raw) as raw_status, status
from (values
    ('SUCCESS', ['success', 'succeeded', 'successful', 'completed', 'captured', 'approved', 'paid',
        'settled']),
    ('FAILED', ['failed', 'failure', 'declined', 'rejected', 'error', 'cancelled', 'canceled',
        'voided', 'expired']),
    ('PENDING', ['pending', 'processing', 'authorized', 'authorised', 'created']),
    ('REFUNDED', ['refunded', 'refund', 'partially_refunded', 'chargeback'])
) as statuses (status, raw);

create temp table event_types as
select unnest(raw) as event_type, stage_rank
from (values
    (1, ['page_view', 'view', 'home_view', 'category_view', 'scroll', 'click', 'search', 'login',
        'logout', 'signup', 'session_start', 'session_end']),
    (2, ['product_view', 'add_to_wishlist', 'wishlist_add', 'review']),
    (3, ['add_to_cart', 'cart_add', 'remove_from_cart', 'cart_remove', 'cart_view', 'view_cart']),
    (4, ['checkout', 'checkout_start', 'begin_checkout']),
    (5, ['checkout_complete', 'purchase', 'order_complete'])
) as types (stage_rank, raw);

create temp table genders as
select unnest(raw) as raw_gender, gender
from (values
    ('Female', ['f', 'female', 'w', 'woman']), ('Male', ['m', 'male', 'man']),
    ('Other', ['x', 'd', 'divers', 'diverse', 'nonbinary', 'non-binary', 'other']),
    ('Unknown', ['u', 'n/a', 'unknown', 'prefer not to say'])
) as genders (gender, raw);

-- Files, as text. The rowid of these tables keeps the order of records.

create temp table raw_customers as
from read_json(
    getvariable('customers'), format = 'array', filename = 'file',
    columns = {
        customer_id: 'varchar', first_name: 'varchar', last_name: 'varchar', email: 'varchar',
        phone: 'varchar', date_of_birth: 'varchar', gender: 'varchar',
        registration_date: 'varchar', loyalty_tier: 'varchar', preferences: 'json',
        created_at: 'varchar', updated_at: 'varchar', _op: 'varchar'
    }
);

create temp table raw_addresses as
from read_csv(
    getvariable('addresses'), auto_detect = false, header = true, delim = ',', quote = '"',
    escape = '"', filename = 'file',
    columns = {
        address_id: 'varchar', customer_id: 'varchar', address_line_1: 'varchar', city: 'varchar',
        state: 'varchar', postcode: 'varchar', country: 'varchar', updated_at: 'varchar'
    }
);

create temp table raw_products as
from read_json(
    getvariable('products'), format = 'array', filename = 'file',
    columns = {
        product_id: 'varchar', product_name: 'varchar', category: 'varchar',
        sub_category: 'varchar', brand: 'varchar', supplier_id: 'varchar', price: 'varchar',
        cost_price: 'varchar', currency: 'varchar', weight_kg: 'varchar', rating: 'varchar',
        review_count: 'varchar', is_active: 'varchar', launch_date: 'varchar', attributes: 'json',
        created_at: 'varchar', updated_at: 'varchar'
    }
);

create temp table raw_orders as
from read_csv(
    getvariable('orders'), auto_detect = false, header = true, delim = ',', quote = '"',
    escape = '"', filename = 'file',
    columns = {
        order_id: 'varchar', customer_id: 'varchar', order_date: 'varchar',
        order_status: 'varchar', total_amount: 'varchar', discount_amount: 'varchar',
        shipping_amount: 'varchar', currency: 'varchar', payment_method: 'varchar',
        channel: 'varchar', shipping_address_id: 'varchar', created_at: 'varchar',
        updated_at: 'varchar'
    }
);

create temp table raw_order_items as
from read_csv(
    getvariable('order_items'), auto_detect = false, header = true, delim = ',', quote = '"',
    escape = '"', filename = 'file',
    columns = {
        item_id: 'varchar', order_id: 'varchar', product_id: 'varchar', quantity: 'varchar',
        unit_price: 'varchar', discount_percent: 'varchar', item_status: 'varchar',
        created_at: 'varchar', updated_at: 'varchar'
    }
);

create temp table raw_payments as
from read_json(
    getvariable('payments'), format = 'array', filename = 'file',
    columns = {
        transaction_id: 'varchar', order_id: 'varchar', payment_method: 'varchar',
        card_type: 'varchar', amount: 'varchar', currency: 'varchar', status: 'varchar',
        gateway_response_code: 'varchar', is_international: 'varchar',
        transaction_timestamp: 'varchar', risk_score: 'varchar', ip_address: 'varchar',
        device_fingerprint: 'varchar'
    }
);

create temp table raw_shipments as
from read_csv(
    getvariable('shipments'), auto_detect = false, header = true, delim = ',', quote = '"',
    escape = '"', filename = 'file',
    columns = {
        shipment_id: 'varchar', order_id: 'varchar', tracking_number: 'varchar',
        carrier: 'varchar', service_type: 'varchar', warehouse_id: 'varchar',
        shipping_cost: 'varchar', package_weight_kg: 'varchar', estimated_delivery: 'varchar',
        actual_delivery: 'varchar', shipping_status: 'varchar', updated_at: 'varchar'
    }
);

create temp table raw_inventory as
from read_csv(
    getvariable('inventory'), auto_detect = false, header = true, delim = ',', quote = '"',
    escape = '"', filename = 'file',
    columns = {
        product_id: 'varchar', warehouse_id: 'varchar', snapshot_date: 'varchar',
        quantity_on_hand: 'varchar', quantity_reserved: 'varchar', reorder_point: 'varchar',
        reorder_quantity: 'varchar', last_restock_date: 'varchar'
    }
);

create temp table raw_clickstream as
from read_json(
    getvariable('clickstream'), format = 'newline_delimited', filename = 'file',
    columns = {
        event_id: 'varchar', session_id: 'varchar', customer_id: 'varchar', event_type: 'varchar',
        event_timestamp: 'varchar', page_url: 'varchar', product_id: 'varchar',
        device_type: 'varchar', browser: 'varchar', os: 'varchar', ip_address: 'varchar',
        geo_location: 'json', referrer: 'varchar', search_query: 'varchar',
        page_load_time_ms: 'varchar', time_on_page_sec: 'varchar', scroll_depth_pct: 'varchar'
    }
);
