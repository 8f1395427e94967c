with typed as (
    {{ typed_rows('order_items') }}
),

known_orders as (
    select order_id from {{ ref('known_orders') }}
),

known_products as (
    select product_id from {{ ref('known_products') }}
),

orders as (
    select
        order_id,
        order_date
    from {{ ref('orders') }}
),

product_versions as (
    select
        product_id,
        price,
        is_active,
        valid_from,
        valid_to,
        is_first_version
    from {{ ref('products_versions') }}
),

-- Versions of one product do not overlap and an order has one date: at most one row each.
in_context as (
    select
        typed.*,
        known_orders.order_id is not null as is_order_known,
        known_products.product_id is not null as is_product_known,
        product_versions.price as catalogue_price,
        product_versions.is_active as is_product_active,
        cast(typed.quantity as double) * cast(typed.unit_price as double) between -1e15 and 1e15
            as is_line_amount_in_range,
        case
            when is_line_amount_in_range
                then {{ net_amount(
                    'typed.quantity', 'typed.unit_price', 'typed.discount_percent'
                ) }}
        end as net_amount
    from typed
    left join known_orders on typed.order_id = known_orders.order_id
    left join known_products on typed.product_id = known_products.product_id
    left join orders on typed.order_id = orders.order_id
    left join product_versions
        on typed.product_id = product_versions.product_id
        and orders.order_date is not null
        and (
            orders.order_date >= product_versions.valid_from
            -- As in gold: macros/open_first_version.sql.
            or (product_versions.is_first_version and orders.order_date >= timestamp '1900-01-01')
        )
        and (orders.order_date < product_versions.valid_to or product_versions.valid_to is null)
)

{{ judged_rows('order_items', 'in_context') }}
