-- The last 12 cohorts, each over its first 12 months; a mistyped year would stand above them for ever.
with begun as (
    select *
    from gold.cohort_retention
    where cohort_month <= (select as_of_date from silver.business_clock)
)

select
    cohort_month,
    months_since_first,
    cohort_customers,
    active_customers,
    retention_rate
from begun
where
    cohort_month > (select max(cohort_month) from begun) - interval 12 month
    and months_since_first <= 11
order by cohort_month desc, months_since_first
