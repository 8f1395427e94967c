{#
  The circuit breaker: deliveries of the staged feed that have not passed yet and whose rows, or whose
  percentage of rows in quarantine, are far off those of the batch dates before (median and MAD; see
  breaker_limits). Whole deliveries are judged, also in a build that touched few of their rows.
#}
{% test deliveries_are_usual(model) %}
{%- if execute -%}
{%- set feed = feed_of(tested_node()) -%}
{%- set limits = breaker_limits(feed) -%}
{%- if not limits -%}
select 'off' as delivery where false
{%- else -%}
with deliveries as (
    {{ delivery_counts(feed, limits.recent_dates) }}
),

measured as (
    select
        *,
        sum(row_count) over (partition by batch_date) as rows_of_date,
        'rows' as measure,
        cast(row_count as decimal(38, 3)) as measured_value
    from deliveries
    union all
    select
        *,
        0 as rows_of_date,
        'quarantined' as measure,
        cast(100.0 * quarantined_count / greatest(row_count, 1) as decimal(38, 3)) as measured_value
    from deliveries
),

compared as (
    select
        judged.*,
        earlier.measured_value as earlier_value,
        earlier.date_number as earlier_date
    from measured as judged
    inner join measured as earlier
        on judged.measure = earlier.measure
        and earlier.date_number < judged.date_number
        and earlier.date_number >= judged.date_number - {{ limits.recent_dates }}
    where judged.is_new
),

medians as (
    select
        delivery,
        batch_date,
        measure,
        count(distinct earlier_date) as earlier_dates,
        {{ exact_median('earlier_value') }} as median_value
    from compared
    group by delivery, batch_date, measure
),

-- 1.4826 x MAD of a normal distribution is its standard deviation.
deviations as (
    select
        compared.delivery,
        compared.batch_id,
        compared.batch_date,
        compared.measure,
        compared.row_count,
        compared.rows_of_date,
        compared.quarantined_count,
        compared.measured_value,
        medians.earlier_dates,
        medians.median_value,
        {{ limits.deviations }} * 1.4826 * {{ exact_median(
            'cast(abs(compared.earlier_value - medians.median_value) as decimal(38, 3))'
        ) }} as tolerance
    from compared
    inner join medians
        on compared.delivery = medians.delivery
        and compared.batch_date = medians.batch_date
        and compared.measure = medians.measure
    where medians.earlier_dates >= {{ limits.min_dates }}
    group by all
),

judged as (
    select
        *,
        case
            when measure = 'quarantined' then 0
            else least(
                median_value - tolerance,
                median_value / {{ limits.volume_factor }},
                median_value - {{ limits.min_rows }}
            )
        end as lowest,
        case
            when measure = 'quarantined' then greatest(
                median_value + tolerance,
                median_value + 100 * {{ limits.quarantine_share }},
                100.0 * {{ limits.min_rows }} / greatest(row_count, 1)
            )
            else greatest(
                median_value + tolerance,
                median_value * {{ limits.volume_factor }},
                median_value + {{ limits.min_rows }}
            )
        end as highest
    from deviations
)

select
    '{{ feed }}' as feed,
    delivery,
    batch_id,
    batch_date,
    measure,
    cast(measured_value as double) as measured_value,
    cast(median_value as double) as median_value,
    cast(tolerance / (1.4826 * {{ limits.deviations }}) as double) as mad,
    cast(lowest as double) as lowest,
    cast(highest as double) as highest,
    earlier_dates,
    row_count,
    quarantined_count
from judged
-- A small file beside others of its batch date is no missing volume.
where measured_value > highest or (measure = 'rows' and rows_of_date < lowest)
{%- endif -%}
{%- endif -%}
{% endtest %}
