-- What sells most and lasts shortest first.
select
    product_id,
    coalesce(product_name, product_id) as product_name,
    coalesce(category, 'unknown') as category,
    health_status,
    quantity_available,
    units_sold_30d,
    days_of_cover,
    warehouses_to_reorder,
    warehouse_count
from gold.inventory_health
where
    health_status in ('Out of Stock', 'Reorder Required')
    and (len($categories) = 0 or list_contains($categories, coalesce(category, 'unknown')))
order by days_of_cover asc nulls last, units_sold_30d desc, product_id
limit 12
