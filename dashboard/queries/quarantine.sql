-- A row with two reasons stands under both; its money is held once (quarantine_totals).
with reasons as (
    select
        feed,
        unnest(rejection_reasons) as reason,
        amount_held,
        first_seen_batch_date
    from silver.quarantine
)

select
    feed,
    reason,
    count(*) as rows,
    coalesce(sum(amount_held), 0) as amount_held,
    min(first_seen_batch_date) as first_seen
from reasons
group by feed, reason
order by amount_held desc, rows desc, feed, reason
limit 15
