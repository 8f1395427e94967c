-- What the page says of the version itself. Amounts are over one currency, or nothing is said of it.
select
    published.version,
    published.published_at,
    published.as_of_date,
    (select case when count(distinct currency) = 1 then min(currency) end from gold.fact_sales)
        as currency,
    -- A stray order of long ago is no history to compare with.
    (
        select quantile_disc(cast(ordered_at as date), 0.01)
        from gold.fact_orders
        where cast(ordered_at as date) <= published.as_of_date
    ) as covered_from,
    -- Visits and payments may begin before the first order, or without one.
    least(
        (select min(cast(ordered_at as date)) from gold.fact_orders),
        (select min(cast(transaction_at as date)) from gold.fact_payments),
        (select min(date_day) from gold.sales_funnel)
    ) as first_day
from audit.published as published
