-- Stock counts, judged in the same way.

create temp table inventory_rows as
with typed as (
    select
        clean(product_id) as product_id, clean(warehouse_id) as warehouse_id,
        clean(snapshot_date) as counted, try_cast(counted as date) as snapshot_date,
        clean(quantity_on_hand) as on_hand, try_cast(on_hand as bigint) as quantity_on_hand,
        clean(quantity_reserved) as reserved, try_cast(reserved as bigint) as quantity_reserved,
        clean(reorder_point) as point, try_cast(point as bigint) as reorder_point,
        clean(reorder_quantity) as reorder, try_cast(reorder as bigint) as reorder_quantity,
        clean(last_restock_date) as restocked, try_cast(restocked as date) as last_restock_date,
        file, batch_day(file) as batch_date, rowid as record
    from raw_inventory
)

select
    typed.* exclude (counted, on_hand, reserved, point, reorder, restocked),
    concat_ws(
        ', ',
        case when warehouse_id is null then 'warehouse_id_missing' end,
        case when counted is null then 'snapshot_date_missing' end,
        case when counted is not null and snapshot_date is null then 'snapshot_date_invalid' end,
        case when on_hand is null then 'quantity_on_hand_missing' end,
        case when on_hand is not null and quantity_on_hand is null
            then 'quantity_on_hand_invalid' end,
        case when reserved is not null and quantity_reserved is null
            then 'quantity_reserved_invalid' end,
        case when point is not null and reorder_point is null then 'reorder_point_invalid' end,
        case when reorder is not null and reorder_quantity is null
            then 'reorder_quantity_invalid' end,
        case when restocked is not null and last_restock_date is null
            then 'last_restock_date_invalid' end,
        case when known.product_id is null then 'product_unknown' end
    ) as reasons
from typed
left join known_products as known on typed.product_id = known.product_id;

create temp table inventory as
from inventory_rows
where reasons = ''
qualify row_number() over (
    partition by product_id, warehouse_id, snapshot_date
    order by batch_date desc, file desc, record desc
) = 1;
