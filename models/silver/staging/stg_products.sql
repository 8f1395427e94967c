with typed as (
    {{ typed_rows('products') }}
)

{{ judged_rows('products', 'typed', history=true) }}
