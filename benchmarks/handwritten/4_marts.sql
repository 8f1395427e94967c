-- What people read.

create table agg_daily_sales as
with placed as (
    select
        as_day(ordered_at) as date_day, coalesce(channel, 'unknown') as channel,
        count(*) as orders, count(distinct customer_id) as customers,
        coalesce(sum(shipping_amount) filter (where is_revenue), 0)::decimal(38, 2)
            as shipping_amount,
        count(*) filter (where is_revenue) as revenue_orders,
        count(*) filter (where order_status = 'cancelled') as cancelled_orders,
        count(*) filter (where order_status in ('returned', 'refunded')) as returned_orders
    from fact_orders
    group by all
),

sold as (
    select
        as_day(ordered_at) as date_day, coalesce(channel, 'unknown') as channel,
        sum(quantity) as units, sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount, sum(net_amount) as net_amount,
        sum(margin_amount) as margin_amount
    from fact_sales
    where is_revenue
    group by all
)

select
    date_day, channel, orders, customers, coalesce(units, 0) as units,
    coalesce(gross_amount, 0)::decimal(38, 2) as gross_amount,
    coalesce(discount_amount, 0)::decimal(38, 2) as discount_amount,
    coalesce(net_amount, 0)::decimal(38, 2) as net_amount,
    coalesce(margin_amount, 0)::decimal(38, 2) as margin_amount, shipping_amount, revenue_orders,
    quotient(coalesce(net_amount, 0), revenue_orders) as avg_order_value, cancelled_orders,
    returned_orders
from placed
left join sold using (date_day, channel);

create table customer_orders as
with homes as (
    select customer_id, city, state, country
    from addresses
    qualify row_number() over (partition by customer_id order by changed_at desc, address_id) = 1
),

totals as (
    select
        customer_id, count(*) as orders_placed,
        count(*) filter (where is_revenue) as total_orders,
        coalesce(sum(units) filter (where is_revenue), 0) as total_items,
        coalesce(sum(net_amount) filter (where is_revenue), 0) as total_order_amount,
        min(ordered_at) as first_ordered_at, max(ordered_at) as last_ordered_at,
        count(*) filter (where order_status in ('returned', 'refunded')) as returned,
        count(*) filter (where order_status = 'cancelled') as cancelled
    from fact_orders
    group by customer_id
),

complete as (
    select
        customers.customer_id, city, state, country,
        coalesce(orders_placed, 0) as orders_placed, coalesce(total_orders, 0) as total_orders,
        coalesce(total_items, 0) as total_items,
        coalesce(total_order_amount, 0)::decimal(38, 2) as total_order_amount, first_ordered_at,
        last_ordered_at, returned, cancelled
    from customers
    left join homes on customers.customer_id = homes.customer_id
    left join totals on customers.customer_id = totals.customer_id
)

select
    * exclude (returned, cancelled),
    quotient(total_order_amount, total_orders) as avg_order_value,
    coalesce(returned / nullif(orders_placed, 0), 0) as return_rate,
    coalesce(cancelled / nullif(orders_placed, 0), 0) as cancel_rate,
    case
        when total_order_amount >= 1000 and total_orders >= 5 then 'VIP'
        when total_order_amount >= 500 and total_orders >= 3 then 'High Value'
        when total_order_amount >= 200 and total_orders >= 2 then 'Medium Value'
        else 'Low Value'
    end as customer_segment
from complete;

create table customer_rfm as
with figures as (
    select
        customer_id, date_diff('day', as_day(max(ordered_at)), any_value(as_of_date))
            as recency_days,
        count(*) as frequency, sum(net_amount)::decimal(38, 2) as monetary
    from fact_orders
    semi join customers using (customer_id)
    cross join clock
    where is_revenue
    group by customer_id
),

scores as (
    select
        *,
        1 + (5 * (rank() over (order by recency_days desc) - 1)) // count(*) over () as r_score,
        1 + (5 * (rank() over (order by frequency) - 1)) // count(*) over () as f_score,
        1 + (5 * (rank() over (order by monetary) - 1)) // count(*) over () as m_score
    from figures
)

select
    *,
    r_score + f_score + m_score as rfm_score,
    case
        when rfm_score >= 13 then 'Champions'
        when rfm_score >= 10 then 'Loyal Customers'
        when rfm_score >= 7 then 'Potential Loyalists'
        when rfm_score >= 5 then 'At Risk'
        else 'Hibernating'
    end as rfm_segment
from scores;

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

create table delivery_performance as
with shipped as (
    select
        coalesce(carrier, 'unknown') as carrier,
        date_trunc('month', ordered_at)::date as month, count(*) as shipments,
        count(actual_delivery) as delivered,
        count(*) filter (where facts.delivery_performance = 'Pending') as undelivered,
        count(*) filter (where facts.delivery_performance = 'Pending' and delay_days > 0)
            as overdue,
        count(*) filter (where facts.delivery_performance = 'On Time') as on_time,
        count(*) filter (where facts.delivery_performance = 'Slightly Delayed')
            as slightly_delayed,
        count(*) filter (where facts.delivery_performance = 'Delayed') as delayed,
        sum(delivery_days) as all_days,
        sum(delay_days) filter (where actual_delivery is not null and delay_days > 0) as late_days,
        count(shipping_cost) as with_cost,
        coalesce(sum(shipping_cost), 0)::decimal(38, 2) as shipping_cost
    from fact_shipments as facts
    inner join fact_orders using (order_id)
    group by all
)

select
    * exclude (all_days, late_days, with_cost),
    on_time / nullif(delivered, 0) as on_time_rate,
    all_days::double / nullif(delivered, 0) as avg_delivery_days,
    late_days::double / nullif(slightly_delayed + delayed, 0) as avg_days_late,
    quotient(shipping_cost, with_cost) as avg_shipping_cost
from shipped;

create table cohort_retention as
with months as (
    select
        customer_id, net_amount, date_trunc('month', ordered_at)::date as month,
        min(month) over (partition by customer_id) as cohort_month
    from fact_orders
    where is_revenue
),

active as (
    select
        cohort_month, date_diff('month', cohort_month, month) as months_since_first,
        count(distinct customer_id) as active_customers, count(*) as orders,
        sum(net_amount)::decimal(38, 2) as net_amount
    from months
    group by all
)

select
    *,
    first_value(active_customers) over (
        partition by cohort_month order by months_since_first
    ) as cohort_customers,
    active_customers / cohort_customers as retention_rate
from active;

create table sales_funnel as
with daily as (
    select
        as_day(started_at) as date_day, count(*) as sessions,
        count(*) filter (where is_bounce) as bounced_sessions,
        count(*) filter (where reached_stage <> 'visit') as product_view_sessions,
        count(*) filter (where reached_stage in ('cart', 'checkout', 'purchase'))
            as cart_sessions,
        count(*) filter (where reached_stage in ('checkout', 'purchase')) as checkout_sessions,
        count(*) filter (where reached_stage = 'purchase') as purchase_sessions
    from fact_sessions
    group by all
)

select
    *,
    bounced_sessions / sessions as bounce_rate,
    product_view_sessions / sessions as product_view_rate,
    cart_sessions / nullif(product_view_sessions, 0) as cart_rate,
    checkout_sessions / nullif(cart_sessions, 0) as checkout_rate,
    purchase_sessions / nullif(checkout_sessions, 0) as purchase_rate,
    purchase_sessions / sessions as conversion_rate
from daily;
