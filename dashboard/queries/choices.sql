select
    'channel' as filter,
    coalesce(channel, 'unknown') as choice
from gold.fact_orders
union
select
    'category' as filter,
    coalesce(dim_product.category, 'unknown') as choice
from gold.fact_sales as fact_sales
left join gold.dim_product as dim_product on fact_sales.product_key = dim_product.product_key
order by all
