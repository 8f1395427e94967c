-- Clicks, judged in the same way.

create temp table event_rows as
with typed as (
    select
        clean(event_id) as event_id, clean(session_id) as session_id,
        clean(customer_id) as customer_id, lower(clean(event_type)) as event_type,
        clean(event_timestamp) as happened, try_cast(happened as timestamp) as happened_at,
        clean(device_type) as device_type, clean(page_load_time_ms) as load_text,
        clean(time_on_page_sec) as stay_text, clean(scroll_depth_pct) as scroll_text,
        file, batch_day(file) as batch_date, rowid as record
    from raw_clickstream
)

select
    * exclude (happened, load_text, stay_text, scroll_text),
    coalesce(happened_at, batch_date) as changed_at,
    concat_ws(
        ', ',
        case when event_id is null then 'event_id_missing' end,
        case when session_id is null then 'session_id_missing' end,
        case when event_type is null then 'event_type_missing' end,
        case when happened is null then 'event_timestamp_missing' end,
        case when happened is not null and happened_at is null
            then 'event_timestamp_invalid' end,
        case when load_text is not null and try_cast(load_text as bigint) is null
            then 'page_load_time_ms_invalid' end,
        case when stay_text is not null and try_cast(stay_text as bigint) is null
            then 'time_on_page_sec_invalid' end,
        case when scroll_text is not null and try_cast(scroll_text as bigint) is null
            then 'scroll_depth_pct_invalid' end
    ) as reasons
from typed;

create temp table events as
from event_rows
where reasons = ''
qualify row_number() over (
    partition by event_id order by changed_at desc, batch_date desc, file desc, record desc
) = 1;
