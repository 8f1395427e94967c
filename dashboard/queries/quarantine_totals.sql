select
    count(*) as rows,
    coalesce(sum(amount_held), 0) as amount_held,
    count(distinct feed) as feeds
from silver.quarantine
