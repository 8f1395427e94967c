{{ config(severity='warn') }}

-- Sums of gold are over one currency. Each currency of revenue lines, with its lines and amount,
-- when there is more than one.
select
    currency,
    count(*) as revenue_lines,
    sum(net_amount) as net_amount,
    count(*) over () as currencies
from {{ ref('fact_sales') }}
where is_revenue and currency is not null
group by currency
qualify count(*) over () > 1
