select
    month,
    sum(on_time) as on_time,
    sum(slightly_delayed) as slightly_delayed,
    sum(delayed) as delayed,
    sum(undelivered) as undelivered
from gold.delivery_performance
where month between date_trunc('month', $from_date) and $to_date
group by month
order by month
