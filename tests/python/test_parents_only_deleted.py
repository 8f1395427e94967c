"""Parents of which nothing but a deletion ever came are known: whoever names them counts."""

import pytest
from warehouse import Warehouse

GONE = {"updated_at": "2025-01-15T10:00:00Z", "_op": "D"}
AT = "2025-01-15T08:00:00Z"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory) -> Warehouse:
    """A day of customer, product and order that were only deleted, built with all its tests."""
    warehouse = Warehouse.at(tmp_path_factory.mktemp("only_deleted"))
    order = {"customer_id": "C1", "order_date": AT, "order_status": "delivered", "currency": "EUR"}
    item = {"product_id": "P1", "quantity": "2", "unit_price": "3.00", "updated_at": AT}
    payment = {"amount": "6.00", "currency": "EUR", "transaction_timestamp": AT}
    shipment = {"carrier": "DHL", "shipping_status": "delivered", "updated_at": AT}
    stock = {"warehouse_id": "W1", "snapshot_date": "2025-01-15", "quantity_on_hand": "5"}
    event = {"session_id": "S1", "customer_id": "C1", "event_type": "purchase"}
    warehouse.deliver(
        {
            "customers_2025_01_15.ndjson": [{"customer_id": "C1", **GONE}],
            "products_2025_01_15.ndjson": [
                {"product_id": "P1", **GONE},
                {"product_id": "P2", "product_name": "Cup", "price": "3.00"},
            ],
            "orders_2025_01_15.csv": [
                {"order_id": "O1", **order, "updated_at": AT, "_op": ""},
                {"order_id": "O2", **dict.fromkeys(order, ""), **GONE},
            ],
            "order_items_2025_01_15.csv": [
                {"item_id": "I1", "order_id": "O1", **item},
                {"item_id": "I2", "order_id": "O2", **item},
            ],
            "payments_2025_01_15.ndjson": [
                {"transaction_id": "T1", "order_id": "O1", **payment},
                {"transaction_id": "T2", "order_id": "O2", **payment},
            ],
            "shipments_2025_01_15.csv": [
                {"shipment_id": "S1", "order_id": "O1", **shipment},
                {"shipment_id": "S2", "order_id": "O2", **shipment},
            ],
            "addresses_2025_01_15.csv": [{"address_id": "A1", "customer_id": "C1"}],
            "inventory_2025_01_15.csv": [{"product_id": "P1", **stock}],
            "clickstream_2025_01_15.ndjson": [
                {"event_id": "E1", **event, "event_timestamp": AT, "product_id": "P1"}
            ],
        }
    )
    return warehouse


def test_nothing_is_held_back(warehouse):
    assert warehouse.ask("from silver.quarantine") == []


def test_what_they_sold_counts_under_the_unknown_member(warehouse):
    sales = "select item_id, product_key, customer_key, net_amount from gold.fact_sales"
    ((item, product, customer, amount),) = warehouse.ask(sales)
    assert (item, product, customer, str(amount)) == ("I1", "-1", "-1", "6.00")
    assert warehouse.ask("select sum(net_amount)::text from gold.agg_daily_sales") == [("6.00",)]


def test_they_have_no_row_of_their_own(warehouse):
    assert warehouse.ask("select product_id from gold.product_performance") == [("P2",)]
    for table in ("customer_orders", "customer_rfm"):
        assert warehouse.ask(f"from gold.{table}") == [], table
