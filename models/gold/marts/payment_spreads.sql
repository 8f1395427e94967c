-- All that is summed or ordered is an exact decimal: the figures do not depend on the order of
-- rows. Payments without a method are a group of their own.
with payments as (
    select
        amount,
        coalesce(payment_method, '') as method_group
    from {{ ref('fact_payments') }}
),

centres as (
    select
        method_group,
        cast(count(*) as decimal(20, 0)) as group_size,
        cast(sum(amount) as decimal(38, 2)) as total_amount,
        min(amount) as least_amount,
        max(amount) as greatest_amount,
        {{ exact_median('amount') }} as median_amount
    from payments
    group by method_group
),

-- amount − mean is (amount × n − total) / n: exact up to the division.
centred as (
    select
        centres.method_group,
        centres.group_size,
        centres.total_amount,
        centres.median_amount,
        cast(payments.amount * centres.group_size - centres.total_amount as double)
        / centres.group_size as mean_deviation,
        cast(
            greatest(
                centres.greatest_amount * centres.group_size - centres.total_amount,
                centres.total_amount - centres.least_amount * centres.group_size
            ) as double
        ) / centres.group_size as largest_deviation,
        payments.amount - centres.median_amount as median_deviation
    from payments
    inner join centres on payments.method_group = centres.method_group
),

squares as (
    select
        *,
        mean_deviation / nullif(largest_deviation, 0) as share_of_largest,
        cast(share_of_largest * share_of_largest as decimal(38, 26)) as square
    from centred
)

-- In units of the largest deviation no square exceeds 1: an exact decimal holds their sum.
select
    method_group,
    group_size,
    total_amount,
    median_amount,
    largest_deviation * sqrt(cast(sum(square) as double) / (group_size - 1)) as sample_deviation,
    cast({{ exact_median('abs(median_deviation)') }} as double) as median_absolute_deviation,
    cast(sum(abs(median_deviation)) as double) / group_size as mean_absolute_deviation
from squares
group by method_group, group_size, total_amount, median_amount, largest_deviation
