with {% include '_lines.sql' %}

select
    category as part,
    {{ metric('net_amount') }} as net_amount,
    {{ metric('units') }} as units,
    {{ metric('margin_amount') }} as margin_amount,
    {{ metric('costed_amount') }} as costed_amount
from lines
group by category
order by net_amount desc, part
