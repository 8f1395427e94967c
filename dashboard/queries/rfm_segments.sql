select
    rfm_segment,
    count(*) as customers,
    sum(monetary) as monetary,
    avg(recency_days) as recency_days,
    avg(frequency) as frequency
from gold.customer_rfm
group by rfm_segment
order by max(rfm_score) desc
