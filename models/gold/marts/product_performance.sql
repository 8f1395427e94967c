-- Products that were deleted stay: what they sold is part of the total.
with products as (
    select *
    from {{ ref('dim_product') }}
    where product_key <> '-1'
    qualify row_number() over (partition by product_id order by valid_from desc) = 1
),

sales_per_product as (
    select
        product_id,
        count(distinct order_id) filter (where is_revenue) as orders,
        count(distinct customer_id) filter (where is_revenue) as customers,
        sum(cast(quantity as decimal(19, 0))) filter (where is_revenue) as units,
        sum(gross_amount) filter (where is_revenue) as gross_amount,
        sum(discount_amount) filter (where is_revenue) as discount_amount,
        sum(net_amount) filter (where is_revenue) as net_amount,
        sum(margin_amount) filter (where is_revenue) as margin_amount,
        sum(net_amount) filter (where is_revenue and margin_amount is not null)
            as net_amount_with_cost,
        sum(cast(quantity as decimal(19, 0))) filter (
            where order_status in ('returned', 'refunded')
        ) as returned_units,
        min(ordered_at) filter (where is_revenue) as first_sold_at,
        max(ordered_at) filter (where is_revenue) as last_sold_at
    from {{ ref('fact_sales') }}
    group by product_id
),

-- One row of sales per product.
product_totals as (
    select
        products.*,
        coalesce(sales_per_product.orders, 0) as orders,
        coalesce(sales_per_product.customers, 0) as customers,
        cast(coalesce(sales_per_product.units, 0) as decimal(38, 0)) as units,
        cast(coalesce(sales_per_product.gross_amount, 0) as decimal(38, 2)) as gross_amount,
        cast(coalesce(sales_per_product.discount_amount, 0) as decimal(38, 2)) as discount_amount,
        cast(coalesce(sales_per_product.net_amount, 0) as decimal(38, 2)) as net_amount,
        cast(sales_per_product.margin_amount as decimal(38, 2)) as margin_total,
        sales_per_product.net_amount_with_cost,
        cast(coalesce(sales_per_product.returned_units, 0) as decimal(38, 0)) as returned_units,
        sales_per_product.first_sold_at,
        sales_per_product.last_sold_at
    from products
    left join sales_per_product on products.product_id = sales_per_product.product_id
),

ranked_products as (
    select
        *,
        row_number() over (order by net_amount desc, product_id asc) as revenue_rank,
        sum(net_amount) over () as total_net_amount,
        sum(net_amount) over (
            order by net_amount desc, product_id asc
            rows between unbounded preceding and current row
        ) - net_amount as net_amount_of_better
    from product_totals
)

select
    ranked_products.product_id,
    ranked_products.product_name,
    ranked_products.category,
    ranked_products.sub_category,
    ranked_products.brand,
    ranked_products.price,
    ranked_products.is_active,
    ranked_products.is_current as is_listed,
    ranked_products.orders,
    ranked_products.customers,
    ranked_products.units,
    ranked_products.gross_amount,
    ranked_products.discount_amount,
    ranked_products.net_amount,
    ranked_products.margin_total as margin_amount,
    {{ divide_amounts('margin_total * 100', 'net_amount_with_cost') }} as margin_pct,
    ranked_products.returned_units,
    coalesce(
        cast(ranked_products.returned_units as double)
        / nullif(cast(ranked_products.units + ranked_products.returned_units as double), 0),
        0
    ) as return_rate,
    ranked_products.first_sold_at,
    ranked_products.last_sold_at,
    {{ days_between('ranked_products.last_sold_at', 'business_clock.as_of_date') }}
        as days_since_last_sale,
    ranked_products.revenue_rank,
    case
        when ranked_products.net_amount = 0 then 'C'
        when ranked_products.net_amount_of_better * 100 < ranked_products.total_net_amount * 80
            then 'A'
        when ranked_products.net_amount_of_better * 100 < ranked_products.total_net_amount * 95
            then 'B'
        else 'C'
    end as abc_class
from ranked_products
cross join {{ ref('business_clock') }} as business_clock
