-- What people read of payments, products and stock.

create table payment_anomalies as
with centres as (
    select
        payment_method, count(*) as payments, avg(amount::double) as mean,
        stddev_samp(amount::double) as deviation, median(amount::double) as middle
    from fact_payments
    group by payment_method
),

spreads as (
    select
        centres.*, median(abs(amount::double - middle)) as mad,
        avg(abs(amount::double - middle)) as mean_absolute
    from fact_payments
    inner join centres on fact_payments.payment_method is not distinct from centres.payment_method
    group by all
),

scored as (
    select
        facts.*,
        round((amount::double - mean) / nullif(deviation, 0), 9) as z_score,
        round(
            case
                when payments >= 8 and mad > 1e-9 then 0.6745 * (amount::double - middle) / mad
                when payments >= 8 and mean_absolute > 1e-9
                    then (amount::double - middle) / (1.253314 * mean_absolute)
            end,
            9
        ) as robust_z_score,
        coalesce(abs(robust_z_score) > 3.5, false) as is_statistical_anomaly,
        coalesce(risk_score >= 70, false) as is_high_risk,
        hour(transaction_at) >= 23 or hour(transaction_at) < 6 as is_off_hours,
        amount > 2000 as is_high_amount,
        coalesce(is_international, false) as is_abroad,
        is_high_risk::int + is_off_hours::int + is_high_amount::int + is_abroad::int
            as signal_count,
        signal_count + 2 * is_statistical_anomaly::int as combined_score
    from fact_payments as facts
    inner join spreads on facts.payment_method is not distinct from spreads.payment_method
)

select
    transaction_id, order_id, amount, payment_method, z_score, robust_z_score,
    is_statistical_anomaly, is_high_risk, is_off_hours, is_high_amount,
    is_abroad as is_international, signal_count, combined_score,
    case when combined_score >= 4 then 'CRITICAL' when combined_score = 3 then 'HIGH'
        when combined_score = 2 then 'MEDIUM' when combined_score = 1 then 'LOW' else 'SAFE' end
        as risk_level,
    concat_ws(
        ', ',
        case when is_statistical_anomaly then 'statistical_anomaly' end,
        case when is_high_risk then 'high_risk' end,
        case when is_off_hours then 'off_hours' end,
        case when is_high_amount then 'high_amount' end,
        case when is_abroad then 'international' end
    ) as reasons
from scored;

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
