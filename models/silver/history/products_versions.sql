{{ versions('products') }}
