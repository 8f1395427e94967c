{# Of the accepted rows of a feed the newest per key, with a deleted key's last row left out. #}
{% macro newest_rows(feed) %}
    {%- set changed = changes(feed) -%}
    {%- if execute -%}
    select *
    from (
        select *
        from ({{ changed }}) as changes
        where {{ is_touched(contract(feed).key) }}
        qualify
            row_number() over (
                partition by {{ contract(feed).key | join(', ') }} order by {{ newer_first() }}
            ) = 1
    ) as newest
    where not is_deletion
    {%- endif -%}
{% endmacro %}
