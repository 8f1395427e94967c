-- The parts beyond the largest five are one part, so that each has a colour of its own.
with {% include '_lines.sql' %},

parts as (
    select
        {{ split }} as part,
        row_number() over (order by {{ metric('net_amount') }} desc, {{ split }} asc) as part_rank
    from lines
    group by {{ split }}
),

named_lines as (
    select
        lines.*,
        case when parts.part_rank <= 5 then parts.part else 'all others' end as part,
        least(parts.part_rank, 6) as part_rank
    from lines
    inner join parts on lines.{{ split }} = parts.part
)

select
    cast(date_trunc('{{ grain }}', ordered_at) as date) as period,
    part,
    part_rank,
    {{ metric('net_amount') }} as net_amount
from named_lines
group by period, part, part_rank
order by part_rank, period
