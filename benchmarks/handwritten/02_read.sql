-- Files, as text. The rowid of these tables keeps the order of records.

create temp table raw_customers as
from read_json(
    getvariable('customers'), format = 'array', filename = 'file',
    columns = {
        customer_id: 'varchar', first_name: 'varchar', last_name: 'varchar', email: 'varchar',
        phone: 'varchar', date_of_birth: 'varchar', gender: 'varchar',
        registration_date: 'varchar', loyalty_tier: 'varchar', preferences: 'json',
        created_at: 'varchar', updated_at: 'varchar', _op: 'varchar'
    }
);

create temp table raw_addresses as
from read_csv(
    getvariable('addresses'), auto_detect = false, header = true, delim = ',', quote = '"',
    escape = '"', filename = 'file',
    columns = {
        address_id: 'varchar', customer_id: 'varchar', address_line_1: 'varchar', city: 'varchar',
        state: 'varchar', postcode: 'varchar', country: 'varchar', updated_at: 'varchar'
    }
);

create temp table raw_products as
from read_json(
    getvariable('products'), format = 'array', filename = 'file',
    columns = {
        product_id: 'varchar', product_name: 'varchar', category: 'varchar',
        sub_category: 'varchar', brand: 'varchar', supplier_id: 'varchar', price: 'varchar',
        cost_price: 'varchar', currency: 'varchar', weight_kg: 'varchar', rating: 'varchar',
        review_count: 'varchar', is_active: 'varchar', launch_date: 'varchar', attributes: 'json',
        created_at: 'varchar', updated_at: 'varchar'
    }
);

create temp table raw_orders as
from read_csv(
    getvariable('orders'), auto_detect = false, header = true, delim = ',', quote = '"',
    escape = '"', filename = 'file',
    columns = {
        order_id: 'varchar', customer_id: 'varchar', order_date: 'varchar',
        order_status: 'varchar', total_amount: 'varchar', discount_amount: 'varchar',
        shipping_amount: 'varchar', currency: 'varchar', payment_method: 'varchar',
        channel: 'varchar', shipping_address_id: 'varchar', created_at: 'varchar',
        updated_at: 'varchar'
    }
);

create temp table raw_order_items as
from read_csv(
    getvariable('order_items'), auto_detect = false, header = true, delim = ',', quote = '"',
    escape = '"', filename = 'file',
    columns = {
        item_id: 'varchar', order_id: 'varchar', product_id: 'varchar', quantity: 'varchar',
        unit_price: 'varchar', discount_percent: 'varchar', item_status: 'varchar',
        created_at: 'varchar', updated_at: 'varchar'
    }
);

create temp table raw_payments as
from read_json(
    getvariable('payments'), format = 'array', filename = 'file',
    columns = {
        transaction_id: 'varchar', order_id: 'varchar', payment_method: 'varchar',
        card_type: 'varchar', amount: 'varchar', currency: 'varchar', status: 'varchar',
        gateway_response_code: 'varchar', is_international: 'varchar',
        transaction_timestamp: 'varchar', risk_score: 'varchar', ip_address: 'varchar',
        device_fingerprint: 'varchar'
    }
);

create temp table raw_shipments as
from read_csv(
    getvariable('shipments'), auto_detect = false, header = true, delim = ',', quote = '"',
    escape = '"', filename = 'file',
    columns = {
        shipment_id: 'varchar', order_id: 'varchar', tracking_number: 'varchar',
        carrier: 'varchar', service_type: 'varchar', warehouse_id: 'varchar',
        shipping_cost: 'varchar', package_weight_kg: 'varchar', estimated_delivery: 'varchar',
        actual_delivery: 'varchar', shipping_status: 'varchar', updated_at: 'varchar'
    }
);

create temp table raw_inventory as
from read_csv(
    getvariable('inventory'), auto_detect = false, header = true, delim = ',', quote = '"',
    escape = '"', filename = 'file',
    columns = {
        product_id: 'varchar', warehouse_id: 'varchar', snapshot_date: 'varchar',
        quantity_on_hand: 'varchar', quantity_reserved: 'varchar', reorder_point: 'varchar',
        reorder_quantity: 'varchar', last_restock_date: 'varchar'
    }
);

create temp table raw_clickstream as
from read_json(
    getvariable('clickstream'), format = 'newline_delimited', filename = 'file',
    columns = {
        event_id: 'varchar', session_id: 'varchar', customer_id: 'varchar', event_type: 'varchar',
        event_timestamp: 'varchar', page_url: 'varchar', product_id: 'varchar',
        device_type: 'varchar', browser: 'varchar', os: 'varchar', ip_address: 'varchar',
        geo_location: 'json', referrer: 'varchar', search_query: 'varchar',
        page_load_time_ms: 'varchar', time_on_page_sec: 'varchar', scroll_depth_pct: 'varchar'
    }
);
