{#
  First half of a staging model: every landed row of a feed that counts, patched, trimmed and typed
  by its contract. Beside each column that is not text stands <column>_delivered, its text;
  `operation` and `is_deletion` say what the row does.
#}
{% macro typed_rows(feed) %}
    {%- set bronze = source('bronze', feed) -%}
    {%- set files = ref('files_that_count') -%}
    {%- do ref('patched_rows') -%}
    {%- set patched = patched_columns(feed) -%}
    {%- if execute -%}
        {%- set columns = contract(feed).columns -%}
        {%- set sequence = contract(feed).sequence -%}
        select
        {%- for column in columns %}
            {%- if column.type == 'text' %}
            {{ column.name }},
            {%- else %}
            {{ column.name }} as {{ column.name }}_delivered,
            {{ read_as(column.type, 'delivered.' ~ column.name) }} as {{ column.name }},
            {%- endif %}
        {%- endfor %}
            operation,
            coalesce(operation in ('d', 'delete'), false) as is_deletion,
            _file_id,
            _file_name,
            _row_number,
            _batch_date
        from (
            select
            {%- for column in columns %}
                {%- set value = patched_value('bronze_rows.' ~ column.name, column.name, patched) %}
                {{ trimmed(value) }} as {{ column.name }},
            {%- endfor %}
                lower({{ trimmed(patched_value('bronze_rows._op', '_op', patched)) }}) as operation,
                bronze_rows._file_id,
                files.file_name as _file_name,
                bronze_rows._row_number,
                files.batch_date as _batch_date
            from {{ bronze }} as bronze_rows
            inner join {{ files }} as files
                on bronze_rows._file_id = files.file_id
            {{ join_patches(feed, patched) }}
            where {{ is_touched(['bronze_rows._file_id', 'bronze_rows._row_number']) }}
        ) as delivered
    {%- endif -%}
{% endmacro %}
