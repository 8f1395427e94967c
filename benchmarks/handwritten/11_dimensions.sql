-- Dimensions, each with its unknown member.

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
