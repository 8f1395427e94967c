-- Shipments, judged in the same way.

create temp table shipment_rows as
with typed as (
    select
        clean(shipment_id) as shipment_id, clean(order_id) as order_id, clean(carrier) as carrier,
        clean(service_type) as service_type, clean(warehouse_id) as warehouse_id,
        clean(shipping_cost) as cost_text, try_cast(cost_text as decimal(18, 2)) as shipping_cost,
        clean(package_weight_kg) as weight_text,
        try_cast(weight_text as decimal(10, 3)) as package_weight_kg,
        clean(estimated_delivery) as estimated, try_cast(estimated as date) as estimated_delivery,
        clean(actual_delivery) as actual, try_cast(actual as date) as actual_delivery,
        clean(shipping_status) as shipping_status, clean(updated_at) as updated,
        try_cast(updated as timestamp) as updated_at,
        file, batch_day(file) as batch_date, rowid as record
    from raw_shipments
)

select
    typed.* exclude (cost_text, weight_text, estimated, actual, updated),
    coalesce(typed.updated_at, typed.batch_date) as changed_at,
    concat_ws(
        ', ',
        case when shipment_id is null then 'shipment_id_missing' end,
        case when cost_text is not null and shipping_cost is null then 'shipping_cost_invalid' end,
        case when weight_text is not null and package_weight_kg is null
            then 'package_weight_kg_invalid' end,
        case when estimated is not null and estimated_delivery is null
            then 'estimated_delivery_invalid' end,
        case when actual is not null and actual_delivery is null
            then 'actual_delivery_invalid' end,
        case when updated is not null and typed.updated_at is null then 'updated_at_invalid' end,
        case when orders.order_id is null then 'order_unknown' end,
        case when shipping_cost < 0 then 'shipping_cost_negative' end,
        case when package_weight_kg <= 0 then 'package_weight_kg_not_positive' end
    ) as reasons
from typed
left join orders on typed.order_id = orders.order_id;

create temp table shipments as
from shipment_rows
where reasons = ''
qualify row_number() over (
    partition by shipment_id order by changed_at desc, batch_date desc, file desc, record desc
) = 1;
