{{ config(meta={'dagster': {'ref': {'name': 'quarantine'}}}) }}

-- Conservation, from bronze to silver: for every file that counts, the ledger's rows are the rows
-- of staging, and those are accepted or stand in quarantine, each once. Files of a feed that is a
-- feed no more have no staging.
with staged_counts as (
    {% for feed in var('feeds') %}
    select
        _file_id as file_id,
        count(*) as rows_staged,
        count(*) filter (where is_accepted) as rows_accepted
    from {{ ref('stg_' ~ feed) }}
    group by _file_id
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

quarantined_counts as (
    select
        file_id,
        count(*) as rows_quarantined
    from {{ ref('quarantine') }}
    group by file_id
),

files_that_count as (
    select
        min(file_id) as file_id,
        min(rows_loaded) as rows_loaded
    from {{ source('bronze', 'files') }}
    where
        status = 'loaded'
        and feed in (
            {% for feed in var('feeds') %}
            '{{ feed }}'{{ ',' if not loop.last }}
            {% endfor %}
        )
    group by feed, sha256
)

select
    coalesce(files_that_count.file_id, staged_counts.file_id) as file_id,
    files_that_count.rows_loaded,
    staged_counts.rows_staged,
    staged_counts.rows_accepted,
    quarantined_counts.rows_quarantined
from files_that_count
full outer join staged_counts on files_that_count.file_id = staged_counts.file_id
left join quarantined_counts on files_that_count.file_id = quarantined_counts.file_id
where
    files_that_count.file_id is null
    or files_that_count.rows_loaded <> coalesce(staged_counts.rows_staged, 0)
    or coalesce(staged_counts.rows_staged, 0)
    <> coalesce(staged_counts.rows_accepted, 0) + coalesce(quarantined_counts.rows_quarantined, 0)
