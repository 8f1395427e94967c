select
    forecast_date,
    expected,
    lower_80,
    upper_80,
    lower_95,
    upper_95
from gold.sales_forecast
where measure = 'net_amount' and list_contains($categories, category) and expected is not null
order by forecast_date
