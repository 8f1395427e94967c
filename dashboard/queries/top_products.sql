with {% include '_lines.sql' %},

newest_names as (
    select
        product_id,
        product_name
    from gold.dim_product
    where product_key <> '-1'
    qualify row_number() over (partition by product_id order by valid_from desc) = 1
)

select
    lines.product_id,
    coalesce(newest_names.product_name, lines.product_id) as product_name,
    min(lines.category) as category,
    {{ metric('net_amount') }} as net_amount,
    {{ metric('units') }} as units
from lines
left join newest_names on lines.product_id = newest_names.product_id
group by lines.product_id, newest_names.product_name
having {{ metric('net_amount') }} > 0
order by net_amount desc, lines.product_id
limit 10
