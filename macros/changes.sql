{#
  The accepted rows of a feed that change a key: upserts and deletions, with the feed's columns in
  silver, version_hash where `history`, and what orders them. A feed with extract: full deletes by
  absence: a key that a delivery lists and the next one does not is deleted at that next delivery's
  batch date, or at its own newest row where that is later: a list made at night has rows of the next
  day. A row counts from the batch date on that brought its key back. A delivery is all files of one
  batch date, doubled ones too: an old list sent again under a new date is a new list. One that lists
  no key deletes nothing. Quarantined rows list their key as well.
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

        listed as (
            select
                {{ key }},
                _batch_date,
                max(_sequence_at) filter (where is_counted) as _sequence_at
            from delivered_rows
            where not is_deletion
                {%- for column in feed_contract.key %} and {{ column }} is not null{% endfor %}
            group by {{ key }}, _batch_date
        ),

        deliveries as (
            select
                _batch_date,
                lag(_batch_date) over (order by _batch_date) as previous_delivery,
                lead(_batch_date) over (order by _batch_date) as next_delivery
            from (select distinct _batch_date from listed) as batch_dates
        ),

        listings as (
            select
                {{ key }},
                _batch_date,
                lag(_batch_date) over by_date as previous_listing,
                lead(_batch_date) over by_date as next_listing,
                -- Right after all rows before this listing, and after those up to it; both later
                -- than what stands there for any listing before.
                max(_sequence_at) over (
                    partition by {{ key }} order by _batch_date
                    rows between unbounded preceding and 1 preceding
                ) + interval '2 microseconds' * row_number() over by_date as after_earlier,
                max(_sequence_at) over by_date
                + interval '2 microseconds' * row_number() over by_date
                + interval '1 microsecond' as after_this
            from listed
            window by_date as (partition by {{ key }} order by _batch_date)
        ),

        neighbours as (
            select
                listings.*,
                deliveries.next_delivery,
                max(
                    case
                        when listings.previous_listing < deliveries.previous_delivery
                            then {{ later_of('cast(listings._batch_date as timestamp)', 'listings.after_earlier') }}
                    end
                ) over (
                    partition by {{ key }} order by listings._batch_date
                ) as returned_at
            from listings
            inner join deliveries on listings._batch_date = deliveries._batch_date
        )

        select
            {% for column in columns %}accepted.{{ column }}, {% endfor %}
            accepted.is_deletion,
            {{ later_of('accepted._sequence_at', 'neighbours.returned_at') }} as _sequence_at,
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
            true,
            {{ later_of('cast(next_delivery as timestamp)', 'after_this') }},
            next_delivery, null, '', 0
        from neighbours
        where next_delivery is not null and next_listing is distinct from next_delivery
    {%- endif -%}
    {%- endif -%}
{% endmacro %}
