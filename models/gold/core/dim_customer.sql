with versions as (
    select
        *,
        {{ open_first_version('customer_id') }} as opened_at
    from {{ ref('customers_history') }}
    where dbt_valid_to is null
),

keyed_versions as (
    select
        *,
        {{ version_key('customer_id', 'opened_at') }} as customer_key
    from versions
),

unknown_member as (
    select '-1' as customer_key
),

-- A hash is never '-1': the full join appends the unknown member, with nulls, and doubles nothing.
-- A spelling of a gender has one row (a test of the seed).
members as (
    select
        keyed_versions.*,
        coalesce(genders.gender, keyed_versions.gender) as standard_gender,
        unknown_member.customer_key as unknown_key,
        business_clock.as_of_date,
        year(business_clock.as_of_date) - keyed_versions.birth_year as age,
        {{ days_between('keyed_versions.registration_date', 'business_clock.as_of_date') }}
            as tenure_days
    from keyed_versions
    full outer join unknown_member on keyed_versions.customer_key = unknown_member.customer_key
    left join {{ ref('genders') }} as genders
        on lower(keyed_versions.gender) = lower(trim(genders.raw_gender))
    cross join {{ ref('business_clock') }} as business_clock
)

select
    coalesce(customer_key, unknown_key) as customer_key,
    customer_id,
    email_hash,
    email_domain,
    has_email,
    phone_masked,
    standard_gender as gender,
    birth_year,
    age,
    case
        when age < 25 then 'Gen Z'
        when age < 40 then 'Millennial'
        when age < 55 then 'Gen X'
        when age >= 55 then 'Boomer+'
        else 'Unknown'
    end as age_segment,
    registration_date,
    tenure_days,
    case
        when tenure_days < 30 then 'New'
        when tenure_days < 365 then 'Active'
        when tenure_days >= 365 then 'Established'
        else 'Unknown'
    end as lifecycle_stage,
    loyalty_tier,
    {{ json_texts('preferences', 'categories') }} as preferred_categories,
    {{ json_texts('preferences', 'communication') }} as preferred_channels,
    coalesce(opened_at, timestamp '1900-01-01 00:00:00') as valid_from,
    valid_to,
    valid_to is null as is_current
from members
