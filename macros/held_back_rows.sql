{#
  The quarantined rows of a feed with the key they were judged by and their original, unpatched, as
  JSON. Personal columns show only that they hold something, as do values of columns the contract
  does not know; the rest is redacted.
#}
{% macro held_back_rows(feed) %}
    {%- set staged = ref('stg_' ~ feed) -%}
    {%- set bronze = source('bronze', feed) -%}
    {%- set patched = patched_columns(feed) -%}
    {%- if execute -%}
    {%- set feed_contract = contract(feed) -%}
    {%- set members = {} -%}
    {%- for column in feed_contract.columns -%}
        {%- set text = 'bronze_rows.' ~ column.name -%}
        {%- do members.update({
            column.name: blot_out(text) if column.get('pii') and column.mask != 'redact' else text
        }) -%}
    {%- endfor -%}
    {%- do members.update({'_op': 'bronze_rows._op', '_rescued': blot_out('bronze_rows._rescued')}) -%}
    {%- set key_parts = [] -%}
    {%- for column in feed_contract.key -%}
        {%- set value = patched_value('bronze_rows.' ~ column, column, patched) -%}
        {%- do key_parts.append('coalesce(trim(' ~ value ~ "), '')") -%}
    {%- endfor -%}
    {%- set patched_key = patched | select('in', feed_contract.key) | list -%}
    select
        '{{ feed }}' as feed,
        {{ key_parts | join(" || '|' || ") }} as business_key,
        staged.rejection_reasons,
        staged._batch_date as first_seen_batch_date,
        staged._amount as amount_held,
        staged._file_name as file_name,
        staged._row_number as row_number,
        {{ redact(json_object(members)) }} as original,
        staged._file_id as file_id
    from {{ staged }} as staged
    inner join {{ bronze }} as bronze_rows
        on staged._file_id = bronze_rows._file_id
        and staged._row_number = bronze_rows._row_number
    {{ join_patches(feed, patched_key) }}
    where
        not staged.is_accepted
        and {{ is_touched(['staged._file_id', 'staged._row_number']) }}
    {%- endif -%}
{% endmacro %}
