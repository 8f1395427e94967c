{#
  The rows of `reports` (of changes(), per feed) with the days between which each was the newest word
  on its key: known_from, the day of its batch or of what it tells, whichever is later, and
  known_until, the first day on which a newer one is known, null while none is. A row of a later batch
  ends a span and changes none before. Where known_from is not before known_until, it never was.
#}
{% macro known_spans(feed, reports) -%}
    select
        *,
        min(known_from) over (
            partition by {{ contract(feed).key | join(', ') if execute }} order by {{ newer_first() }}
            rows between unbounded preceding and 1 preceding
        ) as known_until
    from (
        select *, greatest(_batch_date, cast(_sequence_at as date)) as known_from
        from {{ reports }}
    ) as reported
{%- endmacro %}
