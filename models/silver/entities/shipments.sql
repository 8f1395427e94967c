with newest as (
    {{ newest_rows('shipments') }}
)

select
    newest.shipment_id,
    newest.order_id,
    newest.tracking_number,
    newest.carrier,
    newest.service_type,
    newest.warehouse_id,
    newest.shipping_cost,
    newest.package_weight_kg,
    newest.estimated_delivery,
    newest.actual_delivery,
    newest.shipping_status,
    newest.updated_at,
    newest._sequence_at,
    newest._batch_date,
    newest._file_id,
    newest._row_number
from newest
