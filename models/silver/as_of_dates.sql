with batch_dates as (
    select _batch_date as batch_date from {{ ref('stg_customers') }}
    union
    select _batch_date from {{ ref('stg_orders') }}
)

select distinct
    batch_dates.batch_date + (7 - {{ iso_day_of_week('batch_dates.batch_date') }}) as as_of_date
from batch_dates
inner join {{ ref('business_clock') }} as business_clock
    on batch_dates.batch_date + (7 - {{ iso_day_of_week('batch_dates.batch_date') }})
    <= business_clock.as_of_date
