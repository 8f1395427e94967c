select
    sum(sessions) as sessions,
    sum(product_view_sessions) as product_view_sessions,
    sum(cart_sessions) as cart_sessions,
    sum(checkout_sessions) as checkout_sessions,
    sum(purchase_sessions) as purchase_sessions
from gold.sales_funnel
where date_day between $from_date and $to_date
having count(*) > 0
