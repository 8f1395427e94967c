select distinct order_id
from {{ ref('stg_orders') }}
where is_accepted and {{ is_touched() }}
