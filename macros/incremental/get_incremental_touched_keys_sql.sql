{#
  The incremental strategy of all models: what touched keys are now takes the place of what they
  were. Keys whose rows are the same stay as they are; of the others the log keeps, for the models that
  read this one, what their old rows said and what their new rows say. Right also when nothing is left
  of a key.
  Old and new rows are paired by row_columns, a third of the cost of grouping them by all columns; rows
  that these do not tell apart count as differing. Old rows are found by key and fetched by their
  place: mostly there are few of them, and the table is wide.
  A model without touch_rules is small: all of it is compared.
#}
{% macro get_incremental_touched_keys_sql(arg_dict) %}
    {%- set target = arg_dict.target_relation -%}
    {%- set computed = arg_dict.temp_relation -%}
    {%- set columns = arg_dict.dest_columns | map(attribute='quoted') | list -%}
    {%- set key = key_columns(model) | join(', ') -%}
    {%- set rows = row_columns() | join(', ') -%}
    create or replace temp table old__{{ model.name }} as
    select
        rowid as place__,
        {{ columns | join(', ') }}
    from {{ target }}
    where rowid in (select rowid from {{ target }} where {{ is_touched() }});

    create or replace temp table differing__{{ model.name }} as
    select {{ rows }}
    from old__{{ model.name }} as old_rows
    full outer join {{ computed }} as new_rows using ({{ rows }})
    where
        row(old_rows.{{ columns | join(', old_rows.') }})
        is distinct from row(new_rows.{{ columns | join(', new_rows.') }})
    {%- for relation in ['old__' ~ model.name, computed] %}
    union
    select {{ rows }}
    from {{ relation }}
    where hash({{ rows }}) in (
        select hash({{ rows }}) from {{ relation }} group by hash({{ rows }}) having count(*) > 1
    )
    {%- endfor %};

    insert into changes.{{ model.name }}
    select distinct
        {{ next_number(model.name) }},
        is_new__,
        {{ logged_columns().values() | join(', ') }}
    from (
        {%- for relation in ['old__' ~ model.name, computed] %}
        select
            {{ columns | join(', ') }},
            {{ not loop.first }} as is_new__
        from {{ relation }}
        where ({{ rows }}) in (select {{ rows }} from differing__{{ model.name }})
        {{- ' union all' if not loop.last }}
        {%- endfor %}
    );

    {% set differs = 'where (' ~ key ~ ') in (select ' ~ key ~ ' from differing__' ~ model.name ~ ')' %}
    delete from {{ target }} where rowid in (select place__ from old__{{ model.name }} {{ differs }});
    insert into {{ target }} ({{ columns | join(', ') }})
    select {{ columns | join(', ') }} from {{ computed }} {{ differs }};
{% endmacro %}
