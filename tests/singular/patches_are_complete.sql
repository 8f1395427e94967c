-- Patches that do not say which cell they mean, or nobody answers for.
select
    file_name,
    row_number,
    column_name,
    who,
    why
from {{ ref('patches') }}
where
    coalesce(trim(file_name), '') = ''
    or cast(try_cast(trim(row_number) as bigint) as varchar) is distinct from trim(row_number)
    or coalesce(trim(row_number), '') = ''
    or coalesce(trim(column_name), '') = ''
    or coalesce(trim(who), '') = ''
    or coalesce(trim(why), '') = ''
