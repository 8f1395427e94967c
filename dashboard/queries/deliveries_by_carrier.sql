-- Means of months are weighted by what they are means over.
select
    carrier,
    sum(shipments) as shipments,
    sum(delivered) as delivered,
    sum(overdue) as overdue,
    sum(on_time) / nullif(sum(delivered), 0) as on_time_rate,
    sum(avg_delivery_days * delivered) / nullif(sum(delivered), 0) as avg_delivery_days,
    sum(shipping_cost) as shipping_cost
from gold.delivery_performance
where month between date_trunc('month', $from_date) and $to_date
group by carrier
order by shipments desc, carrier
