select distinct product_id
from {{ ref('stg_products') }}
where is_accepted and {{ is_touched() }}
