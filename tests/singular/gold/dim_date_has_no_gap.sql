-- Years that are not whole or not there, and known days that are not as they were: a leap day, a
-- week that belongs to the year before, the first day of a month.
with years as (
    select
        calendar.year as calendar_year,
        count(*) as days_found,
        max(calendar.date_day) as last_day
    from {{ ref('dim_date') }} as calendar
    group by calendar.year
),

known_days as (
    select *
    from {{ ref('dim_date') }}
    where
        (date_key = 20240229 and day_of_week = 4 and is_month_end and season = 'Winter')
        or (date_key = 20210103 and week_of_year = 53 and is_weekend and is_holiday_season)
        or (date_key = 20300601 and is_month_start and day_name = 'Saturday' and quarter = 2)
)

select
    'a year is not whole' as problem,
    calendar_year as found
from years
where days_found <> dayofyear(last_day) or month(last_day) <> 12 or day(last_day) <> 31
union all
select
    'years 2009 to 2030 are not all there' as problem,
    count(*) as found
from years
where calendar_year between 2009 and 2030
having count(*) <> 22
union all
select
    'a known day is not as it was' as problem,
    count(*) as found
from known_days
having count(*) <> 3
