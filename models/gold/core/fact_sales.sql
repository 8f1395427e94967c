with order_items as (
    select
        *,
        cast(quantity as decimal(19, 0)) as pieces
    from {{ ref('order_items') }}
    where {{ is_touched() }}
),

orders as (
    select *
    from {{ ref('orders') }}
    where {{ is_touched() }}
),

-- The inner join leaves out lines of deleted orders; an order has one row. Of a key of a dimension
-- at most one version is valid at an instant.
lines_in_context as (
    select
        order_items.*,
        orders.order_date as ordered_at,
        coalesce(customers.customer_key, '-1') as customer_key,
        coalesce(addresses.address_key, '-1') as address_key,
        coalesce(products.product_key, '-1') as product_key,
        orders.customer_id,
        orders.order_status,
        orders.channel,
        orders.payment_method,
        orders.currency,
        orders.is_revenue,
        orders.shipping_address_id,
        cast(order_items.pieces * order_items.unit_price as decimal(18, 2)) as gross_amount,
        {{ net_amount('pieces', 'unit_price', 'discount_percent') }} as net_amount,
        -- Staging bounds the price of a line, nothing its cost: what does not fit is unknown.
        try_cast(order_items.pieces * products.cost_price as decimal(18, 2)) as cost_amount
    from order_items
    inner join orders on order_items.order_id = orders.order_id
    left join {{ ref('dim_customer') }} as customers
        on orders.customer_id = customers.customer_id
        and {{ is_valid_at('customers', 'orders.order_date') }}
    left join {{ ref('dim_address') }} as addresses
        on orders.shipping_address_id = addresses.address_id
        and {{ is_valid_at('addresses', 'orders.order_date') }}
    left join {{ ref('dim_product') }} as products
        on order_items.product_id = products.product_id
        and {{ is_valid_at('products', 'orders.order_date') }}
)

select
    item_id,
    order_id,
    {{ date_key('ordered_at') }} as order_date_key,
    ordered_at,
    customer_key,
    address_key,
    product_key,
    customer_id,
    product_id,
    order_status,
    item_status,
    channel,
    payment_method,
    quantity,
    unit_price,
    discount_percent,
    gross_amount,
    cast(gross_amount - net_amount as decimal(18, 2)) as discount_amount,
    net_amount,
    cost_amount,
    cast(net_amount - cost_amount as decimal(19, 2)) as margin_amount,
    currency,
    is_revenue,
    shipping_address_id
from lines_in_context
