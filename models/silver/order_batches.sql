-- A deletion names only its item, and a line that moved to another order changed both: every report
-- of a line counts to all orders that the line was ever reported for.
with orders_of_items as (
    select distinct
        item_id,
        order_id
    from {{ ref('stg_order_items') }}
    where is_accepted and not is_deletion and {{ is_touched() }}
),

batches_of_orders as (
    select
        order_id,
        _batch_date
    from {{ ref('stg_orders') }}
    where is_accepted and {{ is_touched() }}
    union all
    select
        orders_of_items.order_id,
        item_reports._batch_date
    from {{ ref('stg_order_items') }} as item_reports
    inner join orders_of_items on item_reports.item_id = orders_of_items.item_id
    where item_reports.is_accepted
)

select
    order_id,
    min(_batch_date) as first_batch,
    max(_batch_date) as newest_batch
from batches_of_orders
where order_id is not null
group by order_id
