with {% include '_lines.sql' %},

{% include '_orders.sql' %},

sales as (
    select
        channel,
        {{ metric('net_amount') }} as net_amount,
        {{ metric('units') }} as units,
        {{ metric('margin_amount') }} as margin_amount,
        {{ metric('costed_amount') }} as costed_amount
    from lines
    group by channel
),

order_figures as (
    select
        channel,
        {{ metric('orders') }} as orders,
        {{ metric('revenue_orders') }} as revenue_orders
    from orders
    group by channel
)

select
    order_figures.channel as part,
    coalesce(sales.net_amount, 0) as net_amount,
    coalesce(sales.units, 0) as units,
    coalesce(sales.margin_amount, 0) as margin_amount,
    coalesce(sales.costed_amount, 0) as costed_amount,
    order_figures.orders,
    order_figures.revenue_orders
from order_figures
left join sales on order_figures.channel = sales.channel
order by net_amount desc, part
