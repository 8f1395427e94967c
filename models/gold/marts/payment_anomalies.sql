-- A payment method has one row of spreads. amount − mean is (amount × n − total) / n; rounding
-- takes away the noise of doubles, which would decide at a threshold.
with measured as (
    select
        payments.*,
        round(
            cast(payments.amount * spreads.group_size - spreads.total_amount as double)
            / spreads.group_size / spreads.sample_deviation,
            9
        ) as z_score,
        cast(payments.amount - spreads.median_amount as double) as median_deviation,
        case
            when spreads.group_size >= 8 and spreads.median_absolute_deviation > 0
                then round(0.6745 * median_deviation / spreads.median_absolute_deviation, 9)
            when spreads.group_size >= 8 and spreads.mean_absolute_deviation > 0
                then round(median_deviation / (1.253314 * spreads.mean_absolute_deviation), 9)
        end as robust_z_score
    from {{ ref('fact_payments') }} as payments
    inner join {{ ref('payment_spreads') }} as spreads
        on coalesce(payments.payment_method, '') = spreads.method_group
),

signals as (
    select
        *,
        coalesce(abs(robust_z_score) > 3.5, false) as is_statistical_anomaly,
        coalesce(risk_score >= 70, false) as is_high_risk,
        hour(transaction_at) >= 23 or hour(transaction_at) < 6 as is_off_hours,
        amount > 2000 as is_high_amount,
        coalesce(is_international, false) as is_from_abroad
    from measured
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
