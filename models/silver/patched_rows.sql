with cells as (
    {{ patches_in_ledger() }}
),

-- Of files with the same bytes one counts: its rows are the ones that are judged.
counting_cells as (
    select cells.*
    from cells
    inner join {{ ref('files_that_count') }} as counting_files
        on cells.file_id = counting_files.file_id
    where cells.row_number is not null
)

-- A new value may be personal: only a keyed hash of all that is said of a row stands here.
select
    feed,
    file_id,
    row_number,
    {{ keyed_hash(
        "string_agg(column_name || length(coalesce(new_value, '')) || '=' || coalesce(new_value, '')"
        ~ ", '|' order by column_name, new_value)"
    ) }} as definition
from counting_cells
group by feed, file_id, row_number
