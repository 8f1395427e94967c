with {% include '_payments.sql' %}

select
    risk_level,
    count(*) as payments,
    sum(amount) as amount
from payments
group by risk_level
order by max(combined_score) desc
