{#
  Rows and quarantined rows of each delivery of a feed, of those that have not passed the circuit
  breaker yet (bronze.passed_files) and of so many batch dates before. A delivery is the feed's part of
  a trigger's batch, or one file without a trigger. Relations are named without ref(): a test that uses
  this gates the staging model alone.

  A row that only waits for its parent is not counted as quarantined: the parent's feed, or one that it
  refers to itself, came for the batch date before and has not come for this one, or is withheld.
#}
{% macro delivery_counts(feed, recent_dates) %}
{%- set awaited = awaited_feeds(feed) -%}
with counting as (
    select
        counting_files.feed,
        counting_files.file_id,
        counting_files.batch_date,
        files.batch_id,
        case
            when files.batch_id = cast(files.batch_date as varchar) then files.file_name
            else files.batch_id
        end as delivery,
        files.file_id not in (select file_id from bronze.passed_files) as is_new
    from {{ relation_of('files_that_count') }} as counting_files
    inner join bronze.files as files on counting_files.file_id = files.file_id
),

numbered_files as (
    select
        *,
        dense_rank() over (order by batch_date) as date_number
    from counting
    where feed = '{{ feed }}'
),

recent_files as (
    select *
    from numbered_files
    where date_number >= (
        select min(date_number) - {{ recent_dates }} from numbered_files where is_new
    )
),
{%- if awaited %}

dates as (
    select
        batch_date,
        lag(batch_date) over (order by batch_date) as previous_date
    from recent_files
    group by batch_date
),

parent_files as (
    select feed, batch_date, true as is_counting
    from counting
    union all
    select feed, batch_date, false as is_counting
    from bronze.files
    where status = 'withheld'
),

awaited_feeds as (
    select dates.batch_date, parent_files.feed
    from dates
    cross join parent_files
    group by dates.batch_date, parent_files.feed
    having
        bool_or(not is_counting and parent_files.batch_date = dates.batch_date)
        or (
            bool_or(is_counting and parent_files.batch_date = dates.previous_date)
            and not bool_or(is_counting and parent_files.batch_date = dates.batch_date)
        )
),
{%- endif %}

staged_rows as (
    select
        recent_files.*,
        staged._file_id,
        not staged.is_accepted and {{ list_length('staged.rejection_reasons') }} > 0
        {%- for reason, feeds in awaited.items() %}
        + case
            when
                array_contains(staged.rejection_reasons, '{{ reason }}')
                and recent_files.batch_date in (
                    select batch_date from awaited_feeds
                    where feed in ('{{ feeds | join("', '") }}')
                )
                then 1
            else 0
        end
        {%- endfor %} as is_quarantined
    from recent_files
    left join {{ relation_of('stg_' ~ feed) }} as staged on recent_files.file_id = staged._file_id
)

select
    delivery,
    batch_id,
    batch_date,
    date_number,
    bool_or(is_new) as is_new,
    count(_file_id) as row_count,
    count(case when is_quarantined then 1 end) as quarantined_count
from staged_rows
group by delivery, batch_id, batch_date, date_number
{% endmacro %}
