with revenue_per_customer as (
    select
        fact_orders.customer_id,
        max(fact_orders.ordered_at) as last_ordered_at,
        count(*) as frequency,
        cast(sum(fact_orders.net_amount) as decimal(38, 2)) as monetary
    from {{ ref('fact_orders') }} as fact_orders
    inner join {{ ref('customers') }} as customers
        on fact_orders.customer_id = customers.customer_id
    where fact_orders.is_revenue
    group by fact_orders.customer_id
),

figures as (
    select
        revenue_per_customer.customer_id,
        {{ days_between('revenue_per_customer.last_ordered_at', 'business_clock.as_of_date') }}
            as recency_days,
        revenue_per_customer.frequency,
        revenue_per_customer.monetary
    from revenue_per_customer
    cross join {{ ref('business_clock') }} as business_clock
),

scores as (
    select
        *,
        {{ score_rank('recency_days desc') }} as r_score,
        {{ score_rank('frequency') }} as f_score,
        {{ score_rank('monetary') }} as m_score
    from figures
)

select
    customer_id,
    recency_days,
    frequency,
    monetary,
    r_score,
    f_score,
    m_score,
    r_score + f_score + m_score as rfm_score,
    case
        when r_score + f_score + m_score >= 13 then 'Champions'
        when r_score + f_score + m_score >= 10 then 'Loyal Customers'
        when r_score + f_score + m_score >= 7 then 'Potential Loyalists'
        when r_score + f_score + m_score >= 5 then 'At Risk'
        else 'Hibernating'
    end as rfm_segment
from scores
