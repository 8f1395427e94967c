select
    health_status,
    count(*) as products,
    sum(stock_value) as stock_value,
    max(last_counted_date) as last_counted_date
from gold.inventory_health
where len($categories) = 0 or list_contains($categories, coalesce(category, 'unknown'))
group by health_status
order by products desc, health_status
