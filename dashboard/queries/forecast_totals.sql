-- What is expected in all of the days ahead. Intervals of days do not add up and are left out.
select
    forecast.category,
    accuracy.status,
    accuracy.reason,
    sum(forecast.expected) filter (where forecast.measure = 'net_amount') as net_amount,
    sum(forecast.expected) filter (where forecast.measure = 'units') as units,
    max(accuracy.mean_absolute_error) as mean_absolute_error,
    max(accuracy.mase) as mase
from gold.sales_forecast as forecast
left join gold.forecast_accuracy as accuracy
    on forecast.category = accuracy.category
    and accuracy.measure = 'net_amount'
where len($categories) = 0 or list_contains($categories, forecast.category)
group by forecast.category, accuracy.status, accuracy.reason
order by net_amount desc nulls last, forecast.category
