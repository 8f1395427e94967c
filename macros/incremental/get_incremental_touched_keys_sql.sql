{#
  The incremental strategy of all models: what touched keys are now takes the place of what they
  were. Keys whose rows are the same stay as they are; of the others the log keeps, for the models that
  read this one, what their old rows said and what their new rows say. Right also when nothing is left
  of a key.
  A model without touch_rules is small: all of it is compared and replaced.
#}
{% macro get_incremental_touched_keys_sql(arg_dict) %}
    {%- set target = arg_dict.target_relation -%}
    {%- set computed = arg_dict.temp_relation -%}
    {%- set columns = arg_dict.dest_columns | map(attribute='quoted') | join(', ') -%}
    {%- set key = key_columns(model) | join(', ') -%}
    create or replace temp table differing__{{ model.name }} as
    select {{ columns }}, sum(surplus__) > 0 as is_new__
    from (
        select {{ columns }}, -1 as surplus__ from {{ target }} where {{ is_touched() }}
        union all
        select {{ columns }}, 1 as surplus__ from {{ computed }}
    )
    group by {{ columns }}
    having sum(surplus__) <> 0;

    insert into changes.{{ model.name }}
    select distinct
        {{ next_number(model.name) }},
        is_new__,
        {{ logged_columns().values() | join(', ') }}
    from differing__{{ model.name }};

    {% set differs -%}
    {%- if touch_rules() %}where ({{ key }}) in (select {{ key }} from differing__{{ model.name }}){% endif %}
    {%- endset -%}
    delete from {{ target }} {{ differs }};
    insert into {{ target }} ({{ columns }}) select {{ columns }} from {{ computed }} {{ differs }};
{% endmacro %}
