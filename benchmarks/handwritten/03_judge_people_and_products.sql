-- Rows typed and judged: `reasons` is empty for an accepted row. Of these the newest per key.

create temp table customer_rows as
with typed as (
    select
        clean(customer_id) as customer_id, clean(first_name) as first_name,
        clean(last_name) as last_name, lower(clean(email)) as email, clean(phone) as phone,
        clean(date_of_birth) as born, try_cast(born as date) as date_of_birth,
        clean(gender) as gender, clean(registration_date) as registered,
        try_cast(registered as date) as registration_date, clean(loyalty_tier) as loyalty_tier,
        preferences, clean(created_at) as created, try_cast(created as timestamp) as created_at,
        clean(updated_at) as updated, try_cast(updated as timestamp) as updated_at,
        coalesce(lower(_op) in ('d', 'delete'), false) as is_deletion,
        file, batch_day(file) as batch_date, rowid as record
    from raw_customers
)

select
    * exclude (born, registered, created, updated),
    coalesce(updated_at, batch_date) as changed_at,
    concat_ws(
        ', ',
        case when customer_id is null then 'customer_id_missing' end,
        case when not is_deletion then concat_ws(
            ', ',
            case when born is not null and date_of_birth is null then 'date_of_birth_invalid' end,
            case when registered is not null and registration_date is null
                then 'registration_date_invalid' end,
            case when created is not null and created_at is null then 'created_at_invalid' end,
            case when updated is not null and updated_at is null then 'updated_at_invalid' end,
            case when date_of_birth > batch_date then 'date_of_birth_in_future' end
        ) end
    ).trim(', ') as reasons
from typed;

create temp table customers as
select *
from (
    from customer_rows
    where reasons = ''
    qualify row_number() over (
        partition by customer_id order by changed_at desc, batch_date desc, file desc, record desc
    ) = 1
)
where not is_deletion;

create temp table known_customers as
select distinct customer_id from customer_rows where reasons = '';

create temp table address_rows as
with typed as (
    select
        clean(address_id) as address_id, clean(customer_id) as customer_id,
        clean(address_line_1) as address_line_1, clean(city) as city, clean(state) as state,
        clean(postcode) as postcode, clean(country) as country, clean(updated_at) as updated,
        try_cast(updated as timestamp) as updated_at, file, batch_day(file) as batch_date,
        rowid as record
    from raw_addresses
)

select
    typed.* exclude (updated),
    coalesce(updated_at, batch_date) as changed_at,
    concat_ws(
        ', ',
        case when address_id is null then 'address_id_missing' end,
        case when updated is not null and updated_at is null then 'updated_at_invalid' end,
        case when known.customer_id is null then 'customer_unknown' end
    ) as reasons
from typed
left join known_customers as known on typed.customer_id = known.customer_id;

create temp table addresses as
from address_rows
where reasons = ''
qualify row_number() over (
    partition by address_id order by changed_at desc, batch_date desc, file desc, record desc
) = 1;

create temp table product_rows as
with typed as (
    select
        clean(product_id) as product_id, clean(product_name) as product_name,
        clean(category) as category, clean(sub_category) as sub_category, clean(brand) as brand,
        clean(supplier_id) as supplier_id, clean(price) as price_text,
        try_cast(price_text as decimal(18, 2)) as price, clean(cost_price) as cost_text,
        try_cast(cost_text as decimal(18, 2)) as cost_price, upper(clean(currency)) as currency,
        clean(weight_kg) as weight_text, try_cast(weight_text as decimal(10, 3)) as weight_kg,
        clean(rating) as rating_text, try_cast(rating_text as decimal(4, 2)) as rating,
        clean(review_count) as reviews, try_cast(reviews as bigint) as review_count,
        clean(is_active) as active, try_cast(active as boolean) as is_active,
        clean(launch_date) as launched, try_cast(launched as date) as launch_date, attributes,
        clean(created_at) as created, try_cast(created as timestamp) as created_at,
        clean(updated_at) as updated, try_cast(updated as timestamp) as updated_at,
        file, batch_day(file) as batch_date, rowid as record
    from raw_products
)

select
    * exclude (
        price_text, cost_text, weight_text, rating_text, reviews, active, launched, created, updated
    ),
    coalesce(updated_at, batch_date) as changed_at,
    concat_ws(
        ', ',
        case when product_id is null then 'product_id_missing' end,
        case when product_name is null then 'product_name_missing' end,
        case when price_text is null then 'price_missing' end,
        case when price_text is not null and price is null then 'price_invalid' end,
        case when cost_text is not null and cost_price is null then 'cost_price_invalid' end,
        case when weight_text is not null and weight_kg is null then 'weight_kg_invalid' end,
        case when rating_text is not null and rating is null then 'rating_invalid' end,
        case when reviews is not null and review_count is null then 'review_count_invalid' end,
        case when active is not null and is_active is null then 'is_active_invalid' end,
        case when launched is not null and launch_date is null then 'launch_date_invalid' end,
        case when created is not null and created_at is null then 'created_at_invalid' end,
        case when updated is not null and updated_at is null then 'updated_at_invalid' end,
        case when price <= 0 then 'price_not_positive' end
    ) as reasons
from typed;

create temp table known_products as
select distinct product_id from product_rows where reasons = '';
