-- Versions in business time.

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
