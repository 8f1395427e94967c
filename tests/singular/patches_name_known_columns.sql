{{ config(meta={'dagster': {'ref': {'name': 'patches'}}}) }}

-- Patches of a column that the feed's contract does not have: they would change nothing, without a
-- word. While the file is not there, a column of any feed passes.
with known_columns as (
    {% for feed in var('feeds') if execute %}
    {% for column in contract(feed).columns %}
    select
        '{{ feed }}' as feed,
        '{{ column.name }}' as column_name
    union all
    {% endfor %}
    {% endfor %}
    select
        null as feed,
        '_op' as column_name
)

select
    patches.file_name,
    patches.row_number,
    patches.column_name,
    patches.feed,
    patches.who,
    patches.why
from ({{ patches_in_ledger() }}) as patches
left join known_columns
    on patches.column_name = known_columns.column_name
    and coalesce(patches.feed = known_columns.feed, true)
where known_columns.column_name is null
