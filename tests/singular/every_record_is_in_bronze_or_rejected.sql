{{ config(meta={'dagster': {'ref': {'name': 'quarantine'}}}) }}
-- Conservation, from file to bronze: for every file that ever loaded, records read = rows in its
-- feed's bronze table + rejected rows. Also rows in bronze that no ledger entry speaks of.
-- Files of a feed that is a feed no more are nobody's: their table is read by nothing.
with bronze_counts as (
    {% for feed in var('feeds') %}
    select
        '{{ feed }}' as feed,
        _file_id as file_id,
        count(*) as rows_in_bronze
    from {{ source('bronze', feed) }}
    group by _file_id
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

rejected_counts as (
    select
        file_id,
        count(*) as rows_rejected
    from {{ source('bronze', 'rejected_rows') }}
    group by file_id
),

loaded_files as (
    select
        file_id,
        feed,
        rows_read,
        rows_loaded
    from {{ source('bronze', 'files') }}
    where
        rows_loaded is not null
        and feed in (
            {% for feed in var('feeds') %}
            '{{ feed }}'{{ ',' if not loop.last }}
            {% endfor %}
        )
)

select
    coalesce(loaded_files.file_id, bronze_counts.file_id) as file_id,
    loaded_files.rows_read,
    loaded_files.rows_loaded,
    bronze_counts.rows_in_bronze,
    rejected_counts.rows_rejected
from loaded_files
full outer join bronze_counts
    on loaded_files.file_id = bronze_counts.file_id and loaded_files.feed = bronze_counts.feed
left join rejected_counts on loaded_files.file_id = rejected_counts.file_id
where
    loaded_files.file_id is null
    or loaded_files.rows_loaded <> coalesce(bronze_counts.rows_in_bronze, 0)
    or loaded_files.rows_read
    <> coalesce(bronze_counts.rows_in_bronze, 0) + coalesce(rejected_counts.rows_rejected, 0)
-- Dagster shows it as a check of the quarantine. depends_on: {{ ref('quarantine') }}
