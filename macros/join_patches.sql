{#
  A join to the patches of a feed's landed rows, at most one row each; nothing when `patched`
  (patched_columns) is empty. Of two patches of one cell neither counts: a test of the seed names
  them, and which one is meant is not ours to guess.
#}
{% macro join_patches(feed, patched, file_id, row_number) -%}
    {%- if patched -%}
        left join (
            select
            {%- for column in patched %}
                max(new_value) filter (where column_name = '{{ column }}') as {{ column }},
                count(*) filter (where column_name = '{{ column }}') = 1
                    as is_{{ column }}_patched,
            {%- endfor %}
                file_id,
                row_number
            from ({{ patches_in_ledger() }}) as cells
            where feed = '{{ feed }}'
            group by file_id, row_number
        ) as patches
            on {{ file_id }} = patches.file_id
            and {{ row_number }} = patches.row_number
    {%- endif -%}
{%- endmacro %}
