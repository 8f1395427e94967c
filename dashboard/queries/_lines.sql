-- Lines of orders in the range, of the chosen channels and categories. A product has one version there.
lines as (
    select
        fact_sales.* replace (coalesce(fact_sales.channel, 'unknown') as channel),
        coalesce(dim_product.category, 'unknown') as category
    from gold.fact_sales as fact_sales
    left join gold.dim_product as dim_product on fact_sales.product_key = dim_product.product_key
    where
        cast(fact_sales.ordered_at as date) between $from_date and $to_date
        and (len($channels) = 0 or list_contains($channels, coalesce(fact_sales.channel, 'unknown')))
        and (len($categories) = 0 or list_contains($categories, coalesce(dim_product.category, 'unknown')))
)
