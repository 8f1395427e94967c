with cells as (
    {{ patches_in_ledger() }}
)

-- A new value may be personal: only a keyed hash of all that is said of a row stands here.
select
    feed,
    file_id,
    row_number,
    {{ keyed_hash(
        "string_agg(column_name || '=' || coalesce(new_value, ''), '|' order by column_name, new_value)"
    ) }} as definition
from cells
where file_id is not null and row_number is not null
group by feed, file_id, row_number
