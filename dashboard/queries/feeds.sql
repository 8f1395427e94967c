-- A feed is late when it lags behind the newest delivery of any feed by more than its usual gap and a
-- day. A feed that came once has no usual gap.
with batch_dates as (
    select distinct
        feed,
        batch_date
    from silver.files_that_count
),

gaps as (
    select
        *,
        batch_date - lag(batch_date) over (partition by feed order by batch_date) as gap_days
    from batch_dates
),

feeds as (
    select
        feed,
        count(*) as batch_dates,
        max(batch_date) as last_batch_date,
        median(gap_days) as usual_gap_days
    from gaps
    group by feed
)

select
    feeds.feed,
    feeds.batch_dates,
    feeds.last_batch_date,
    feeds.usual_gap_days,
    clock.as_of_date - feeds.last_batch_date as days_behind,
    coalesce(clock.as_of_date - feeds.last_batch_date > feeds.usual_gap_days + 1, false) as is_late
from feeds
cross join silver.business_clock as clock
