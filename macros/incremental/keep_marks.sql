{#
  After a model was built, in the transaction of its rows: how far it has read its inputs, and that it
  was written. Built whole, it begins an empty log: whoever reads it must read it whole. Gold joins
  versions as their snapshot has them, which `dbt run` by hand does not bring up to date.
#}
{% macro keep_marks() %}
    {%- if is_logged(model) %}
    {%- set name = model.name -%}
    {%- set is_whole = not is_by_touched_keys() -%}
    {%- if is_whole %}
    create or replace table changes.{{ name }} as
    select
        cast(0 as bigint) as number,
        true as is_new
        {%- for column, expression in logged_columns().items() %}, {{ expression }} as {{ column }}{% endfor %}
    from {{ this }}
    where false;
    delete from changes.read where model = '{{ name }}';
    {%- elif model.resource_type == 'snapshot' %}
    insert into changes.{{ name }}
    select {{ next_number(name) }}, true, {{ key_columns(model) | join(', ') }} from touched__{{ name }};
    {%- endif %}
    {%- for input in touch_rules() | map(attribute='changes_of') | unique %}
    insert into changes.read
    select '{{ name }}', '{{ input }}', least(coalesce(max(number), 0)
        {%- if input.endswith('_versions') and model.schema == 'gold' %}, (
            select max(number) from changes.read
            where model = '{{ input.removesuffix('versions') }}history' and input = '{{ input }}'
        ){% endif %})
    from changes.written where model = '{{ input }}';
    {%- endfor %}
    insert into changes.written
    select '{{ name }}', {{ next_number(name) }}, {{ is_whole }}, getvariable('project_code'),
        {{ "'" ~ key_columns(model) | join(', ') ~ "'" if touch_rules() else 'null' }};
    drop table if exists touched__{{ name }};
    drop table if exists old__{{ name }};
    drop table if exists differing__{{ name }};
    {%- endif %}
{% endmacro %}
