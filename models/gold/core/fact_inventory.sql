with inventory as (
    select
        *,
        cast(snapshot_date as timestamp) as counted_at,
        cast(
            cast(quantity_on_hand as decimal(19, 0))
            - coalesce(cast(quantity_reserved as decimal(19, 0)), 0)
            as decimal(20, 0)
        ) as quantity_available
    from {{ ref('inventory') }}
    where {{ is_touched() }}
),

-- One product version is valid at an instant.
counts_with_product as (
    select
        inventory.*,
        coalesce(products.product_key, '-1') as product_key,
        products.cost_price,
        coalesce(inventory.quantity_available <= inventory.reorder_point, false) as needs_reorder
    from inventory
    left join {{ ref('dim_product') }} as products
        on inventory.product_id = products.product_id
        and {{ is_valid_at('products', 'inventory.counted_at') }}
)

select
    {{ date_key('snapshot_date') }} as snapshot_date_key,
    product_key,
    product_id,
    warehouse_id,
    quantity_on_hand,
    quantity_reserved,
    quantity_available,
    reorder_point,
    needs_reorder,
    case
        when quantity_available <= 0 then 'Out of Stock'
        when needs_reorder then 'Reorder Required'
        when quantity_available <= cast(reorder_point as decimal(19, 0)) * 1.5 then 'Low Stock'
        else 'In Stock'
    end as stock_status,
    -- Nothing bounds quantities and costs: a value that does not fit is unknown.
    try_cast(cast(quantity_on_hand as decimal(19, 0)) * cost_price as decimal(28, 2))
        as stock_value,
    had_negative_stock,
    snapshot_date
from counts_with_product
