{#
  The seed `patches` beside the ledger, one row per patch and loaded file it speaks of (file_id and
  feed null where there is none). A patch speaks of bytes: those delivered under its file name,
  under whatever name the ledger counts them. Once other bytes came under that name, only its sha256
  says which; a correction has rows of its own, which nobody looked at when the patch was written.
#}
{% macro patches_in_ledger() %}
    {%- set patches = ref('patches') -%}
    {%- set files = source('bronze', 'files') -%}
        select
            patches.file_name,
            patches.sha256,
            patches.row_number,
            patches.column_name,
            patches.new_value,
            patches.who,
            patches.why,
            loaded.file_id,
            loaded.feed
        from (
            select
                trim(file_name) as file_name,
                lower(nullif(trim(sha256), '')) as sha256,
                {{ read_as('integer', 'trim(row_number)') }} as row_number,
                lower(trim(column_name)) as column_name,
                new_value,
                who,
                why
            from {{ patches }}
        ) as patches
        left join (
            select
                feed,
                file_name,
                sha256,
                min(sha256) over (partition by file_name)
                = max(sha256) over (partition by file_name) as is_only_content
            from (
                select distinct feed, file_name, sha256
                from {{ files }}
                where
                    status in ('loaded', 'duplicate', 'superseded', 'retracted')
                    and file_name in (select trim(file_name) from {{ patches }})
            ) as contents
        ) as named
            on patches.file_name = named.file_name
            and coalesce(patches.sha256 = named.sha256, named.is_only_content)
        left join {{ files }} as loaded
            on named.feed = loaded.feed
            and named.sha256 = loaded.sha256
            and loaded.status = 'loaded'
{% endmacro %}
