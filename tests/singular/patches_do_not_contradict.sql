{{ config(meta={'dagster': {'ref': {'name': 'patches'}}}) }}

-- Patches that share a cell with another one, also by two names of the same bytes. None of them
-- is applied, so staging must not be built before somebody has said which is meant. Shows no new
-- value: it may be personal.
select
    file_name,
    sha256,
    row_number,
    column_name,
    who,
    why
from ({{ patches_in_ledger() }}) as patches
qualify
    count(*) over (
        partition by
            file_id,
            case when file_id is null then file_name end,
            case when file_id is null then sha256 end,
            row_number,
            column_name
    ) > 1
