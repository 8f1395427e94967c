select
    started_at,
    date_diff('second', started_at, finished_at) as seconds,
    status,
    files,
    rows,
    published_version
from audit.builds
order by started_at desc
limit 8
