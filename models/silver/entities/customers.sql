-- depends_on: {{ ref('lookup_values') }}
with newest as (
    {{ newest_rows('customers') }}
)

select
    newest.customer_id,
    newest.email_hash,
    newest.email_domain,
    newest.has_email,
    newest.phone_masked,
    newest.birth_year,
    coalesce(genders.gender, newest.gender) as gender,
    newest.registration_date,
    newest.loyalty_tier,
    newest.preferences,
    newest.created_at,
    newest.updated_at,
    newest._sequence_at,
    newest._batch_date,
    newest._file_id,
    newest._row_number
from newest
-- One row per raw gender (a test of the seed): at most one row each.
left join {{ ref('genders') }} as genders on lower(newest.gender) = lower(trim(genders.raw_gender))
