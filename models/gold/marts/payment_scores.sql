-- All that is summed or ordered is an exact decimal, or summed from the smallest up: the figures do
-- not depend on the order of rows. Payments without a method are a group of their own.
with payments as (
    select
        *,
        coalesce(payment_method, '') as method_group
    from {{ ref('fact_payments') }}
),

ranked_by_amount as (
    select
        *,
        count(*) over (partition by method_group) as group_size,
        row_number() over (partition by method_group order by amount, transaction_id) as place,
        2 * place between group_size and group_size + 2 as is_middle,
        case when group_size % 2 = 1 then 1.0 else 0.5 end as middle_weight
    from payments
),

-- The median is the middle amount, or half the sum of the middle two.
centres as (
    select
        method_group,
        group_size,
        cast(sum(amount) as double) / group_size as mean,
        sum(cast(amount as decimal(20, 2)) * middle_weight) filter (where is_middle) as median
    from ranked_by_amount
    group by method_group, group_size
),

centred as (
    select
        payments.*,
        centres.group_size,
        cast(payments.amount as double) - centres.mean as mean_deviation,
        payments.amount - centres.median as median_deviation,
        cast(median_deviation as double) as deviation
    from payments
    inner join centres on payments.method_group = centres.method_group
),

ranked_by_deviation as (
    select
        *,
        row_number() over (
            partition by method_group order by abs(median_deviation), transaction_id
        ) as place,
        2 * place between group_size and group_size + 2 as is_middle,
        case when group_size % 2 = 1 then 1.0 else 0.5 end as middle_weight
    from centred
),

spreads as (
    select
        method_group,
        case
            when min(amount) < max(amount)
                then sqrt({{ sum_in_order('mean_deviation * mean_deviation') }} / (group_size - 1))
        end as sample_deviation,
        cast(sum(abs(median_deviation) * middle_weight) filter (where is_middle) as double)
            as median_absolute_deviation,
        cast(sum(abs(median_deviation)) as double) / group_size as mean_absolute_deviation
    from ranked_by_deviation
    group by method_group, group_size
)

-- Rounding takes away the noise of doubles, which would decide at a threshold.
select
    centred.transaction_id,
    round(centred.mean_deviation / spreads.sample_deviation, 9) as z_score,
    case
        when centred.group_size >= 8 and spreads.median_absolute_deviation > 0
            then round(0.6745 * centred.deviation / spreads.median_absolute_deviation, 9)
        when centred.group_size >= 8 and spreads.mean_absolute_deviation > 0
            then round(centred.deviation / (1.253314 * spreads.mean_absolute_deviation), 9)
    end as robust_z_score
from centred
inner join spreads on centred.method_group = spreads.method_group
