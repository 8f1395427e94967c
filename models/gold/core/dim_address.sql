with versions as (
    select
        *,
        {{ open_first_version('address_id') }} as opened_at
    from {{ ref('addresses_history') }}
    where dbt_valid_to is null and {{ is_touched() }}
),

keyed_versions as (
    select
        *,
        {{ version_key('address_id', 'opened_at') }} as address_key
    from versions
),

unknown_member as (
    select '-1' as address_key
)

-- A hash is never '-1': the full join appends the unknown member, with nulls, and doubles nothing.
-- It has no key that could be touched, and is written with the whole table only.
select
    coalesce(keyed_versions.address_key, unknown_member.address_key) as address_key,
    keyed_versions.address_id,
    keyed_versions.customer_id,
    keyed_versions.city,
    keyed_versions.state,
    keyed_versions.postcode,
    keyed_versions.country,
    coalesce(keyed_versions.opened_at, timestamp '1900-01-01 00:00:00') as valid_from,
    keyed_versions.valid_to,
    keyed_versions.valid_to is null as is_current
from keyed_versions
full outer join unknown_member on keyed_versions.address_key = unknown_member.address_key
where {{ is_touched(['keyed_versions.address_id']) }}
