{#
  Of the accepted rows of a feed the newest per key, with a deleted key's last row left out. Built whole,
  superseded rows are found by the few columns that order them, and taken out: sorting whole rows costs
  twice as much where most keys have one row. Of a full list, whose rows count under each batch date
  that delivered them, only whole rows can be told apart.
#}
{% macro newest_rows(feed) %}
    {%- set changed = changes(feed) -%}
    {%- if execute -%}
    {%- set key = contract(feed).key -%}
    {%- set rank -%}
    row_number() over (partition by {{ key | join(', ') }} order by {{ newer_first() }})
    {%- endset -%}
    {%- if is_by_touched_keys() or contract(feed).extract == 'full' -%}
    select *
    from (
        select *
        from ({{ changed }}) as changes
        where {{ is_touched(key) }}
        qualify {{ rank }} = 1
    ) as newest
    where not is_deletion
    {%- else -%}
    select *
    from ({{ changed }}) as changes
    where
        not is_deletion
        and (_file_id, _row_number) not in (
            select
                _file_id,
                _row_number
            from ({{ changed }}) as superseded
            qualify {{ rank }} > 1
        )
    {%- endif -%}
    {%- endif -%}
{% endmacro %}
