with typed as (
    {{ typed_rows('inventory') }}
),

known_products as (
    select product_id from {{ ref('known_products') }}
),

in_context as (
    select
        typed.*,
        known_products.product_id is not null as is_product_known
    from typed
    left join known_products on typed.product_id = known_products.product_id
)

{{ judged_rows('inventory', 'in_context') }}
