-- Orders in the range, of the chosen channels, with a line of the chosen categories.
orders as (
    select fact_orders.* replace (coalesce(channel, 'unknown') as channel)
    from gold.fact_orders as fact_orders
    where
        cast(ordered_at as date) between $from_date and $to_date
        and (len($channels) = 0 or list_contains($channels, coalesce(channel, 'unknown')))
        and (len($categories) = 0 or order_id in (select order_id from lines))
)
