-- The last 12 cohorts, each over its first 12 months.
select
    cohort_month,
    months_since_first,
    cohort_customers,
    active_customers,
    retention_rate
from gold.cohort_retention
where
    cohort_month > (select max(cohort_month) from gold.cohort_retention) - interval 12 month
    and months_since_first <= 11
order by cohort_month desc, months_since_first
