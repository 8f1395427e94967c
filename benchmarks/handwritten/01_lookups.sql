-- The gold tables by hand: one script over all files, as a data engineer writes it who has to do it
-- once; it is cut into files that run in the order of their names. It reads, types, judges, keeps the
-- newest row of a key, computes versions, dimensions, facts and marts. It has no ledger, no tests, no
-- history of beliefs, and knows which columns the files of the demo have. benchmarks/handwritten.py
-- sets the variables: per feed its files, and the two pads of HMAC. The catalog in use is the file
-- that the gold tables are written to; what is temporary stays out of it.

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
