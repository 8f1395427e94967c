-- The last 14 batch dates; a mistyped year would stand above them for ever.
select
    batch_date,
    count(*) filter (where status = 'loaded') as files,
    coalesce(sum(rows_loaded) filter (where status = 'loaded'), 0) as rows_loaded,
    coalesce(sum(rows_rejected) filter (where status = 'loaded'), 0) as rows_rejected,
    count(*) filter (where status <> 'loaded') as files_not_counting
from audit.file_ledger
where
    batch_date is not null
    and feed <> 'trigger'
    and discard_reason is distinct from 'batch_date_in_future'
group by batch_date
order by batch_date desc
limit 14
