select distinct customer_id
from {{ ref('stg_customers') }}
where is_accepted and {{ is_touched() }}
