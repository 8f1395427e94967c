-- How the rows of each of the last 30 batch dates stand now, per action.
with actions as (
    select distinct
        feed,
        expectation,
        action
    from audit.expectation_results
    where build_id = (select build_id from audit.published)
),

recent_dates as (
    select distinct batch_date
    from silver.files_that_count
    order by batch_date desc
    limit 30
)

select
    files.batch_date,
    actions.action,
    sum(counts.rows_failed) as rows_failed,
    sum(counts.rows_checked) as rows_checked
from audit.file_expectations as counts
inner join silver.files_that_count as files on counts.file_id = files.file_id
inner join recent_dates on files.batch_date = recent_dates.batch_date
inner join actions
    on counts.feed = actions.feed
    and counts.expectation = actions.expectation
group by files.batch_date, actions.action
order by actions.action, files.batch_date
