with days_of_facts as (
    select cast(order_date as date) as date_day from {{ ref('orders') }}
    union
    select cast(transaction_timestamp as date) from {{ ref('payments') }}
    union
    select snapshot_date from {{ ref('inventory') }}
    union
    select cast(started_at as date) from {{ ref('sessions') }}
),

years_since_2009 as (
    {{ number_series(22) }}
),

-- Whole years: those everybody expects, and those that a fact falls in.
calendar_years as (
    select 2009 + number as calendar_year from years_since_2009
    union
    select cast(year(date_day) as int) from days_of_facts
),

day_offsets as (
    {{ number_series(366) }}
),

days_from_new_year as (
    select
        calendar_years.calendar_year,
        make_date(calendar_years.calendar_year, 1, 1) + day_offsets.number as date_day
    from calendar_years
    cross join day_offsets
)

select
    {{ date_key('date_day') }} as date_key,
    date_day,
    cast(year(date_day) as int) as year,  -- noqa: RF04
    cast(quarter(date_day) as int) as quarter,  -- noqa: RF04
    cast(month(date_day) as int) as month,  -- noqa: RF04
    {{ month_name('date_day') }} as month_name,
    cast(extract(week from date_day) as int) as week_of_year,
    cast(day(date_day) as int) as day_of_month,
    {{ iso_day_of_week('date_day') }} as day_of_week,
    {{ day_name('date_day') }} as day_name,
    {{ iso_day_of_week('date_day') }} >= 6 as is_weekend,
    day(date_day) = 1 as is_month_start,
    date_day = last_day(date_day) as is_month_end,
    case
        when month(date_day) in (12, 1, 2) then 'Winter'
        when month(date_day) in (3, 4, 5) then 'Spring'
        when month(date_day) in (6, 7, 8) then 'Summer'
        else 'Autumn'
    end as season,
    month(date_day) in (11, 12, 1) as is_holiday_season
from days_from_new_year
where year(date_day) = calendar_year
