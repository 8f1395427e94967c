-- Both have one row per payment.
with signals as (
    select
        payments.*,
        payment_scores.z_score,
        payment_scores.robust_z_score,
        coalesce(abs(payment_scores.robust_z_score) > 3.5, false) as is_statistical_anomaly,
        coalesce(payments.risk_score >= 70, false) as is_high_risk,
        hour(payments.transaction_at) >= 23 or hour(payments.transaction_at) < 6 as is_off_hours,
        payments.amount > 2000 as is_high_amount,
        coalesce(payments.is_international, false) as is_from_abroad
    from {{ ref('fact_payments') }} as payments
    inner join {{ ref('payment_scores') }} as payment_scores
        on payments.transaction_id = payment_scores.transaction_id
),

scores as (
    select
        *,
        cast(is_high_risk as int) + cast(is_off_hours as int) + cast(is_high_amount as int)
        + cast(is_from_abroad as int) as signal_count,
        signal_count + 2 * cast(is_statistical_anomaly as int) as combined_score
    from signals
)

select
    transaction_id,
    order_id,
    amount,
    payment_method,
    z_score,
    robust_z_score,
    is_statistical_anomaly,
    is_high_risk,
    is_off_hours,
    is_high_amount,
    is_from_abroad as is_international,
    signal_count,
    combined_score,
    case
        when combined_score >= 4 then 'CRITICAL'
        when combined_score = 3 then 'HIGH'
        when combined_score = 2 then 'MEDIUM'
        when combined_score = 1 then 'LOW'
        else 'SAFE'
    end as risk_level,
    concat_ws(
        ', ',
        case when is_statistical_anomaly then 'statistical_anomaly' end,
        case when is_high_risk then 'high_risk' end,
        case when is_off_hours then 'off_hours' end,
        case when is_high_amount then 'high_amount' end,
        case when is_from_abroad then 'international' end
    ) as reasons
from scores
