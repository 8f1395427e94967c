with {% include '_lines.sql' %},

{% include '_orders.sql' %},

sales as (
    select
        {{ metric('net_amount') }} as net_amount,
        {{ metric('margin_amount') }} as margin_amount,
        {{ metric('costed_amount') }} as costed_amount,
        {{ metric('units') }} as units
    from lines
),

order_figures as (
    select
        {{ metric('orders') }} as orders,
        {{ metric('revenue_orders') }} as revenue_orders,
        {{ metric('customers') }} as customers,
        {{ metric('cancelled_orders') }} as cancelled_orders,
        {{ metric('returned_orders') }} as returned_orders
    from orders
)

select *
from sales
cross join order_figures
