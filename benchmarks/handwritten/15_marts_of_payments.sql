-- What people read of payments.

create table payment_anomalies as
with centres as (
    select
        payment_method, count(*) as payments, avg(amount::double) as mean,
        stddev_samp(amount::double) as deviation, median(amount::double) as middle
    from fact_payments
    group by payment_method
),

spreads as (
    select
        centres.*, median(abs(amount::double - middle)) as mad,
        avg(abs(amount::double - middle)) as mean_absolute
    from fact_payments
    inner join centres on fact_payments.payment_method is not distinct from centres.payment_method
    group by all
),

scored as (
    select
        facts.*,
        round((amount::double - mean) / nullif(deviation, 0), 9) as z_score,
        round(
            case
                when payments >= 8 and mad > 1e-9 then 0.6745 * (amount::double - middle) / mad
                when payments >= 8 and mean_absolute > 1e-9
                    then (amount::double - middle) / (1.253314 * mean_absolute)
            end,
            9
        ) as robust_z_score,
        coalesce(abs(robust_z_score) > 3.5, false) as is_statistical_anomaly,
        coalesce(risk_score >= 70, false) as is_high_risk,
        hour(transaction_at) >= 23 or hour(transaction_at) < 6 as is_off_hours,
        amount > 2000 as is_high_amount,
        coalesce(is_international, false) as is_abroad,
        is_high_risk::int + is_off_hours::int + is_high_amount::int + is_abroad::int
            as signal_count,
        signal_count + 2 * is_statistical_anomaly::int as combined_score
    from fact_payments as facts
    inner join spreads on facts.payment_method is not distinct from spreads.payment_method
)

select
    transaction_id, order_id, amount, payment_method, z_score, robust_z_score,
    is_statistical_anomaly, is_high_risk, is_off_hours, is_high_amount,
    is_abroad as is_international, signal_count, combined_score,
    case when combined_score >= 4 then 'CRITICAL' when combined_score = 3 then 'HIGH'
        when combined_score = 2 then 'MEDIUM' when combined_score = 1 then 'LOW' else 'SAFE' end
        as risk_level,
    concat_ws(
        ', ',
        case when is_statistical_anomaly then 'statistical_anomaly' end,
        case when is_high_risk then 'high_risk' end,
        case when is_off_hours then 'off_hours' end,
        case when is_high_amount then 'high_amount' end,
        case when is_abroad then 'international' end
    ) as reasons
from scored;
