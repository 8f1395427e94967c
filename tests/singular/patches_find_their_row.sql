{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'patches'}}}) }}

-- Patches that change nothing because there is no such row in a file that counts. Only a warning: a
-- correction or a retraction may take the row away at any time, and the patch is then out of date.
{%- set bronze = {} -%}
{%- for feed in var('feeds') -%}
{%- set relation = source('bronze', feed) -%}
{%- do bronze.update({feed: relation}) if patched_columns(feed) -%}
{%- endfor %}
with contents_per_name as (
    select
        file_name,
        count(distinct sha256) as contents
    from {{ source('bronze', 'files') }}
    where status <> 'discarded'
    group by file_name
),

patched_rows as (
    {% for relation in bronze.values() %}
    select
        _file_id as file_id,
        _row_number as row_number
    from {{ relation }}
    union all
    {% endfor %}
    select
        cast(null as bigint) as file_id,
        cast(null as bigint) as row_number
    where false
)

select
    patches.file_name,
    patches.row_number,
    patches.column_name,
    patches.who,
    case
        when contents_per_name.contents is null then 'no file of this name was loaded'
        when patches.file_id is not null then 'the file has no such row'
        when patches.sha256 is null and contents_per_name.contents > 1
            then 'several contents came under this name: give the sha256 of the one that is meant'
        else 'no file with this content counts'
    end as problem
from ({{ patches_in_ledger() }}) as patches
left join contents_per_name on patches.file_name = contents_per_name.file_name
left join patched_rows
    on patches.file_id = patched_rows.file_id
    and patches.row_number = patched_rows.row_number
where patched_rows.file_id is null
