with versions as (
    select
        *,
        {{ open_first_version('product_id') }} as opened_at,
        cast(price - cost_price as decimal(19, 2)) as margin_amount
    from {{ ref('products_history') }}
    where dbt_valid_to is null
),

keyed_versions as (
    select
        *,
        {{ version_key('product_id', 'opened_at') }} as product_key
    from versions
),

unknown_member as (
    select '-1' as product_key
)

-- A hash is never '-1': the full join appends the unknown member, with nulls, and doubles nothing.
select
    coalesce(keyed_versions.product_key, unknown_member.product_key) as product_key,
    keyed_versions.product_id,
    keyed_versions.product_name,
    keyed_versions.category,
    keyed_versions.sub_category,
    keyed_versions.brand,
    keyed_versions.supplier_id,
    keyed_versions.price,
    keyed_versions.cost_price,
    keyed_versions.margin_amount,
    {{ divide_amounts('keyed_versions.margin_amount * 100', 'keyed_versions.price') }}
        as margin_pct,
    case
        when keyed_versions.price < 50 then 'Budget'
        when keyed_versions.price < 200 then 'Mid-range'
        when keyed_versions.price < 500 then 'Premium'
        when keyed_versions.price >= 500 then 'Luxury'
        else 'Unknown'
    end as price_segment,
    keyed_versions.rating,
    case
        when keyed_versions.rating >= 4.5 then 'Excellent'
        when keyed_versions.rating >= 4 then 'Good'
        when keyed_versions.rating >= 3 then 'Average'
        when keyed_versions.rating < 3 then 'Poor'
        else 'Not Rated'
    end as rating_category,
    keyed_versions.is_active,
    keyed_versions.launch_date,
    coalesce(keyed_versions.opened_at, timestamp '1900-01-01 00:00:00') as valid_from,
    keyed_versions.valid_to,
    keyed_versions.valid_to is null as is_current
from keyed_versions
full outer join unknown_member on keyed_versions.product_key = unknown_member.product_key
