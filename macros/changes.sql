{#
  The accepted rows of a feed that change a key: upserts and deletions, with the feed's columns in
  silver, version_hash where `history`, and what orders them. A feed with extract: full deletes by
  absence: a key that a delivery lists and the next one does not is deleted at that next delivery's
  batch date, and a row that lists it again counts from its own batch date on. A delivery is all
  files of one batch date, doubled ones too: an old list sent again under a new date is a new list.
  One without rows deletes nothing. Quarantined rows list their key as well.
  counted: which rows change their key, a condition over staging, where not those accepted alone;
  staged, delivered_files: given by a model that equals_its_recomputation tests, which finds no ref
  in a macro.
#}
{% macro changes(feed, history=false, counted='is_accepted', staged=none, delivered_files=none) %}
    {%- set staged = staged or ref('stg_' ~ feed) -%}
    {%- set delivered_files = delivered_files or ref('deliveries') -%}
    {%- if execute -%}
    {%- set feed_contract = contract(feed) -%}
    {%- set columns = staged_columns(feed) + (['version_hash'] if history else []) -%}
    {%- if feed_contract.extract != 'full' -%}
        select
            {{ columns | join(', ') }},
            is_deletion, _sequence_at, _batch_date, _file_id, _file_name, _row_number
        from {{ staged }}
        where {{ counted }}
    {%- else -%}
        {%- set key = feed_contract.key | join(', ') -%}
        -- One row per row and batch date under which its bytes were delivered.
        with delivered_rows as (
            select
                {% for column in columns %}staged.{{ column }}, {% endfor %}
                staged.is_deletion, ({{ counted }}) as is_counted, staged._sequence_at,
                sent_files.batch_date as _batch_date,
                staged._file_id, staged._file_name, staged._row_number
            from {{ staged }} as staged
            inner join {{ delivered_files }} as sent_files
                on staged._file_id = sent_files.file_id
        ),

        deliveries as (
            select
                _batch_date,
                lag(_batch_date) over (order by _batch_date) as previous_delivery,
                lead(_batch_date) over (order by _batch_date) as next_delivery
            from (select distinct _batch_date from delivered_rows) as batch_dates
        ),

        listings as (
            select
                {{ key }},
                _batch_date,
                lag(_batch_date) over (partition by {{ key }} order by _batch_date)
                    as previous_listing,
                lead(_batch_date) over (partition by {{ key }} order by _batch_date) as next_listing
            from (
                select distinct {{ key }}, _batch_date from delivered_rows where not is_deletion
            ) as listed
        ),

        neighbours as (
            select
                listings.*,
                deliveries.next_delivery,
                listings.previous_listing < deliveries.previous_delivery as is_return
            from listings
            inner join deliveries on listings._batch_date = deliveries._batch_date
        )

        select
            {% for column in columns %}accepted.{{ column }}, {% endfor %}
            accepted.is_deletion,
            case
                when neighbours.is_return
                    then greatest(accepted._sequence_at, cast(accepted._batch_date as timestamp))
                else accepted._sequence_at
            end as _sequence_at,
            accepted._batch_date, accepted._file_id, accepted._file_name, accepted._row_number
        from delivered_rows as accepted
        left join neighbours
            on accepted._batch_date = neighbours._batch_date
            {%- for column in feed_contract.key %}
            and accepted.{{ column }} = neighbours.{{ column }}
            {%- endfor %}
        where accepted.is_counted
        union all
        select
            {% for column in columns -%}
            {{ column if column in feed_contract.key else 'null' }}, {% endfor %}
            true, cast(next_delivery as timestamp), next_delivery, null, '', 0
        from neighbours
        where next_delivery is not null and next_listing is distinct from next_delivery
    {%- endif -%}
    {%- endif -%}
{% endmacro %}
