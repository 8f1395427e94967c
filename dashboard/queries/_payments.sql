-- Payments made in the range, of orders of the chosen channels. An order has one row.
payments as (
    select
        anomalies.*,
        payments.transaction_at,
        payments.status
    from gold.payment_anomalies as anomalies
    inner join gold.fact_payments as payments
        on anomalies.transaction_id = payments.transaction_id
    inner join gold.fact_orders as orders on payments.order_id = orders.order_id
    where
        cast(payments.transaction_at as date) between $from_date and $to_date
        and (len($channels) = 0 or list_contains($channels, coalesce(orders.channel, 'unknown')))
)
