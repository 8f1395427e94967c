{#
  A join to the patches of a feed's landed rows (file_id and row_number: SQL that names a row), at
  most one row each; nothing when `patched` (patched_columns) is empty. Of two patches of one cell
  neither counts: a test of the seed names them, and which is meant is not ours to guess.
#}
{% macro join_patches(
    feed, patched, file_id='bronze_rows._file_id', row_number='bronze_rows._row_number'
) -%}
    {%- if patched -%}
        left join (
            select
            {%- for column in patched %}
                max(new_value) filter (where column_name = '{{ column }}') as {{ column }},
                count(*) filter (where column_name = '{{ column }}') = 1
                    as is_{{ column }}_patched,
            {%- endfor %}
                file_id as _file_id,
                row_number as _row_number
            from ({{ patches_in_ledger() }}) as cells
            where feed = '{{ feed }}'
            group by file_id, row_number
        ) as patches
            on {{ file_id }} = patches._file_id
            and {{ row_number }} = patches._row_number
    {%- endif -%}
{%- endmacro %}
