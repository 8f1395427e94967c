-- All that is summed or ordered is an exact decimal: the figures do not depend on the order of
-- rows. Payments without a method are a group of their own.
with payments as (
    select
        transaction_id,
        amount,
        coalesce(payment_method, '') as method_group
    from {{ ref('fact_payments') }}
),

centres as (
    select
        method_group,
        cast(count(*) as decimal(20, 0)) as group_size,
        sum(amount) as total_amount,
        min(amount) as least_amount,
        max(amount) as greatest_amount,
        {{ exact_median('amount') }} as median
    from payments
    group by method_group
),

-- amount − mean is (amount × n − total) / n: exact up to the division.
centred as (
    select
        payments.*,
        centres.group_size,
        cast(payments.amount * centres.group_size - centres.total_amount as double)
        / centres.group_size as mean_deviation,
        cast(
            greatest(
                centres.greatest_amount * centres.group_size - centres.total_amount,
                centres.total_amount - centres.least_amount * centres.group_size
            ) as double
        ) / centres.group_size as largest_deviation,
        payments.amount - centres.median as median_deviation,
        cast(median_deviation as double) as deviation
    from payments
    inner join centres on payments.method_group = centres.method_group
),

squares as (
    select
        *,
        mean_deviation / nullif(largest_deviation, 0) as share_of_largest,
        cast(share_of_largest * share_of_largest as decimal(38, 26)) as square
    from centred
),

-- In units of the largest deviation no square exceeds 1: an exact decimal holds their sum.
spreads as (
    select
        method_group,
        largest_deviation * sqrt(cast(sum(square) as double) / (group_size - 1))
            as sample_deviation,
        cast({{ exact_median('abs(median_deviation)') }} as double) as median_absolute_deviation,
        cast(sum(abs(median_deviation)) as double) / group_size as mean_absolute_deviation
    from squares
    group by method_group, group_size, largest_deviation
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
