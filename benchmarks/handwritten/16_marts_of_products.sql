-- What people read of products and stock.

create table product_performance as
with totals as (
    select
        product_id, count(distinct order_id) filter (where is_revenue) as orders,
        count(distinct customer_id) filter (where is_revenue) as customers,
        coalesce(sum(quantity) filter (where is_revenue), 0) as units,
        coalesce(sum(gross_amount) filter (where is_revenue), 0)::decimal(38, 2) as gross_amount,
        coalesce(sum(discount_amount) filter (where is_revenue), 0)::decimal(38, 2)
            as discount_amount,
        sum(net_amount) filter (where is_revenue) as net_amount,
        sum(margin_amount) filter (where is_revenue) as margin_amount,
        sum(net_amount) filter (where is_revenue and margin_amount is not null) as net_with_cost,
        coalesce(sum(quantity) filter (where order_status in ('returned', 'refunded')), 0)
            as returned_units,
        min(ordered_at) filter (where is_revenue) as first_sold_at,
        max(ordered_at) filter (where is_revenue) as last_sold_at
    from fact_sales
    group by product_id
),

ranked as (
    select
        products.product_id, product_name, category, sub_category, brand, price, is_active,
        is_current as is_listed, totals.* exclude (product_id, net_amount),
        coalesce(net_amount, 0)::decimal(38, 2) as net_amount,
        row_number() over (order by coalesce(net_amount, 0) desc, products.product_id)
            as revenue_rank,
        sum(net_amount) over () as everything,
        coalesce(sum(net_amount) over (
            order by coalesce(net_amount, 0) desc, products.product_id
            rows between unbounded preceding and 1 preceding
        ), 0) as better
    from (
        from dim_product
        where product_key <> '-1'
        qualify row_number() over (partition by product_id order by valid_from desc) = 1
    ) as products
    left join totals on products.product_id = totals.product_id
)

select
    product_id, product_name, category, sub_category, brand, price, is_active, is_listed,
    coalesce(orders, 0) as orders, coalesce(customers, 0) as customers,
    coalesce(units, 0) as units, coalesce(gross_amount, 0)::decimal(38, 2) as gross_amount,
    coalesce(discount_amount, 0)::decimal(38, 2) as discount_amount, net_amount, margin_amount,
    quotient(margin_amount * 100, net_with_cost) as margin_pct,
    coalesce(returned_units, 0) as returned_units,
    coalesce(
        returned_units::double / nullif((units + returned_units)::double, 0), 0
    ) as return_rate,
    first_sold_at, last_sold_at,
    date_diff('day', as_day(last_sold_at), as_of_date) as days_since_last_sale, revenue_rank,
    case when net_amount = 0 then 'C' when better * 100 < everything * 80 then 'A'
        when better * 100 < everything * 95 then 'B' else 'C' end as abc_class
from ranked
cross join clock;

create table inventory_health as
with stock as (
    select
        product_id, max(snapshot_date_key) as counted_key, count(*) as warehouse_count,
        count(*) filter (where stock_status = 'Out of Stock') as warehouses_out_of_stock,
        count(*) filter (where needs_reorder) as warehouses_to_reorder,
        sum(quantity_on_hand) as quantity_on_hand, sum(quantity_available) as quantity_available,
        sum(stock_value) as stock_value
    from (
        from fact_inventory
        qualify row_number() over (
            partition by product_id, warehouse_id order by snapshot_date_key desc
        ) = 1
    )
    group by product_id
),

sales as (
    select
        product_id,
        sum(quantity) filter (
            where date_diff('day', as_day(ordered_at), as_of_date) between 0 and 29
        ) as units_sold_30d,
        max(ordered_at) as last_sold_at
    from fact_sales
    cross join clock
    where is_revenue
    group by product_id
),

health as (
    select
        stock.product_id, strptime(counted_key::varchar, '%Y%m%d')::date as last_counted_date,
        warehouse_count, warehouses_out_of_stock, warehouses_to_reorder, quantity_on_hand,
        quantity_available, stock_value, coalesce(units_sold_30d, 0) as units_sold_30d,
        quotient((greatest(quantity_available, 0) * 30)::decimal(18, 0), units_sold_30d)
            as days_of_cover,
        date_diff('day', as_day(last_sold_at), as_of_date) as days_since_last_sale
    from stock
    left join sales on stock.product_id = sales.product_id
    cross join clock
)

select
    health.*, product_name, category,
    case
        when quantity_available <= 0 then 'Out of Stock'
        when warehouses_to_reorder > 0 then 'Reorder Required'
        when coalesce(health.days_since_last_sale > 90, true) then 'Dead Stock'
        when coalesce(days_of_cover > 180, true) then 'Overstocked'
        else 'Healthy'
    end as health_status
from health
left join product_performance on health.product_id = product_performance.product_id;
