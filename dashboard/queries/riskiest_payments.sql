with {% include '_payments.sql' %}

select
    transaction_id,
    order_id,
    transaction_at,
    payment_method,
    amount,
    status,
    risk_level,
    combined_score,
    reasons
from payments
where risk_level in ('CRITICAL', 'HIGH')
order by combined_score desc, amount desc, transaction_id
limit 10
