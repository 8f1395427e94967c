-- What the page says of the version itself. Amounts are over one currency, or nothing is said of it.
select
    published.version,
    published.published_at,
    published.as_of_date,
    (select case when count(distinct currency) = 1 then min(currency) end from gold.fact_sales)
        as currency,
    (select min(cast(ordered_at as date)) from gold.fact_orders) as first_day
from audit.published as published
