{#
  The accepted rows of a feed that change a key: upserts and deletions. A feed with extract: full
  deletes by absence: a key that a delivery lists and the next one does not is deleted at that next
  delivery's batch date, and a row that lists it again counts from its own batch date on. A delivery
  is all files of one batch date; one without rows deletes nothing. Also quarantined rows list their
  key: a quarantine is no deletion.
#}
{% macro changes(feed) %}
    {%- set staged = ref('stg_' ~ feed) -%}
    {%- if execute -%}
    {%- set feed_contract = contract(feed) -%}
    {%- if feed_contract.extract != 'full' -%}
        select * from {{ staged }} where is_accepted
    {%- else -%}
        {%- set key = feed_contract.key | join(', ') -%}
        with deliveries as (
            select
                _batch_date,
                lag(_batch_date) over (order by _batch_date) as previous_delivery,
                lead(_batch_date) over (order by _batch_date) as next_delivery
            from (select distinct _batch_date from {{ staged }}) as batch_dates
        ),

        listings as (
            select
                {{ key }},
                _batch_date,
                lag(_batch_date) over (partition by {{ key }} order by _batch_date)
                    as previous_listing,
                lead(_batch_date) over (partition by {{ key }} order by _batch_date) as next_listing
            from (
                select distinct {{ key }}, _batch_date from {{ staged }} where not is_deletion
            ) as listed
        ),

        neighbours as (
            select
                listings.*,
                deliveries.next_delivery as next_delivery,
                listings.previous_listing < deliveries.previous_delivery as is_return
            from listings
            inner join deliveries on listings._batch_date = deliveries._batch_date
        ),

        last_listings as (
            select *
            from neighbours
            where next_delivery is not null and next_listing is distinct from next_delivery
        )

        select
            accepted.* replace (
                case
                    when neighbours.is_return
                        then greatest(accepted._sequence_at, cast(accepted._batch_date as timestamp))
                    else accepted._sequence_at
                end as _sequence_at
            )
        from {{ staged }} as accepted
        left join neighbours
            on accepted._batch_date = neighbours._batch_date
            {%- for column in feed_contract.key %}
            and accepted.{{ column }} = neighbours.{{ column }}
            {%- endfor %}
        where accepted.is_accepted
        union all by name
        select
            {{ key }},
            true as is_deletion,
            cast(next_delivery as timestamp) as _sequence_at,
            '' as _file_name,
            0 as _row_number,
            next_delivery as _batch_date,
            true as is_accepted
        from last_listings
    {%- endif -%}
    {%- endif -%}
{% endmacro %}
