{{ config(meta={'dagster': {'ref': {'name': 'fact_sales'}}}) }}

-- Backwards: an accepted line, not deleted, of an order that is not deleted stands in fact_sales
-- exactly once, and nothing else does. From staged rows, so that it does not trust the entities.
with item_reports as (
    select
        item_id,
        order_id,
        is_deletion,
        row_number() over (partition by item_id order by {{ newer_first() }}) as age_rank
    from ({{ changes('order_items') }}) as order_items_changes
    where {{ is_changed('stg_order_items', ['item_id'], ['item_id']) }}
),

order_reports as (
    select
        orders_changes.order_id,
        orders_changes.is_deletion,
        row_number() over (
            partition by orders_changes.order_id order by {{ newer_first() }}
        ) as age_rank
    from ({{ changes('orders') }}) as orders_changes
    where orders_changes.order_id in (select item_reports.order_id from item_reports)
),

accepted_lines as (
    select
        item_reports.item_id,
        1 as expected
    from item_reports
    inner join order_reports on item_reports.order_id = order_reports.order_id
    where
        item_reports.age_rank = 1
        and order_reports.age_rank = 1
        and not item_reports.is_deletion
        and not order_reports.is_deletion
),

sold_lines as (
    select
        item_id,
        count(*) as found
    from {{ ref('fact_sales') }}
    where {{ is_changed('stg_order_items', ['item_id'], ['item_id']) }}
    group by item_id
)

select
    coalesce(accepted_lines.item_id, sold_lines.item_id) as item_id,
    accepted_lines.expected,
    sold_lines.found
from accepted_lines
full outer join sold_lines on accepted_lines.item_id = sold_lines.item_id
where accepted_lines.expected is distinct from sold_lines.found
