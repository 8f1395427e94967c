with newest_counts as (
    select *
    from {{ ref('fact_inventory') }}
    qualify
        row_number() over (
            partition by product_id, warehouse_id order by snapshot_date desc
        ) = 1
),

stock_per_product as (
    select
        product_id,
        max(snapshot_date) as last_counted_date,
        count(*) as warehouse_count,
        count(*) filter (where stock_status = 'Out of Stock')
            as warehouses_out_of_stock,
        count(*) filter (where needs_reorder) as warehouses_to_reorder,
        cast(sum(cast(quantity_on_hand as decimal(19, 0))) as decimal(38, 0))
            as quantity_on_hand,
        cast(sum(quantity_available) as decimal(38, 0)) as quantity_available,
        cast(sum(stock_value) as decimal(38, 2)) as stock_value
    from newest_counts
    group by product_id
),

sales_per_product as (
    select
        sales.product_id,
        sum(cast(sales.quantity as decimal(19, 0))) filter (
            where {{ days_between('sales.ordered_at', 'business_clock.as_of_date') }}
            between 0 and 29
        ) as units_sold_30d,
        max(sales.ordered_at) as last_sold_at
    from {{ ref('fact_sales') }} as sales
    cross join {{ ref('business_clock') }} as business_clock
    where sales.is_revenue
    group by sales.product_id
),

-- Both have one row per product.
stock_and_demand as (
    select
        stock_per_product.*,
        cast(coalesce(sales_per_product.units_sold_30d, 0) as decimal(38, 0)) as units_sold_30d,
        {{ divide_amounts(
            'greatest(stock_per_product.quantity_available, 0) * 30',
            'sales_per_product.units_sold_30d'
        ) }} as days_of_cover,
        {{ days_between('sales_per_product.last_sold_at', 'business_clock.as_of_date') }}
            as days_since_last_sale
    from stock_per_product
    left join sales_per_product on stock_per_product.product_id = sales_per_product.product_id
    cross join {{ ref('business_clock') }} as business_clock
),

products as (
    select
        product_id,
        product_name,
        category
    from {{ ref('dim_product') }}
    where product_key <> '-1'
    qualify row_number() over (partition by product_id order by valid_from desc) = 1
)

select
    stock_and_demand.product_id,
    products.product_name,
    products.category,
    stock_and_demand.last_counted_date,
    stock_and_demand.warehouse_count,
    stock_and_demand.warehouses_out_of_stock,
    stock_and_demand.warehouses_to_reorder,
    stock_and_demand.quantity_on_hand,
    stock_and_demand.quantity_available,
    stock_and_demand.stock_value,
    stock_and_demand.units_sold_30d,
    stock_and_demand.days_of_cover,
    stock_and_demand.days_since_last_sale,
    case
        when stock_and_demand.quantity_available <= 0 then 'Out of Stock'
        when stock_and_demand.warehouses_to_reorder > 0 then 'Reorder Required'
        when coalesce(stock_and_demand.days_since_last_sale > 90, true) then 'Dead Stock'
        when coalesce(stock_and_demand.days_of_cover > 180, true) then 'Overstocked'
        else 'Healthy'
    end as health_status
from stock_and_demand
left join products on stock_and_demand.product_id = products.product_id
