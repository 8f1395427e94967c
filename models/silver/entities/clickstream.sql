with newest as (
    {{ newest_rows('clickstream') }}
)

select
    newest.event_id,
    newest.session_id,
    newest.customer_id,
    lower(newest.event_type) as event_type,
    newest.event_timestamp,
    newest.page_url,
    newest.product_id,
    newest.device_type,
    newest.browser,
    newest.os,
    newest.geo_location,
    newest.referrer,
    newest.search_query,
    newest.page_load_time_ms,
    newest.time_on_page_sec,
    newest.scroll_depth_pct,
    newest._sequence_at,
    newest._batch_date,
    newest._file_id,
    newest._row_number
from newest
