"""Rules of `touched_by` that a drawn stream may not need: a build by keys is what a rebuild is.

Each delivery changes what a row elsewhere says and nothing of that row's own; the ordeal does the
same at random, and rarely hits them.
"""

import pytest
from warehouse import Warehouse

NO_TESTS = ("--exclude-resource-type", "test")
# What the deliveries below leave wrong where a rule is missing, by the rule's model and its input.
FIGURES = {
    "fact_orders, stg_shipments": "select order_id, shipped_at from gold.fact_orders",
    "fact_payments, customers_versions": "select transaction_id, customer_key"
    " from gold.fact_payments",
    "stg_orders, customers": "select order_id, warnings from silver.stg_orders",
    "order_batches, stg_order_items": "select order_id, newest_batch from silver.order_batches",
    "agg_daily_sales, order_batches": "select date_day, channel, restated_at_batch"
    " from gold.agg_daily_sales",
    "customer_features, lookup_values": "select customer_id, as_of_date, revenue_orders"
    " from gold.customer_features",
}


def customer(key: str, updated_at: str = "2024-06-01", **more: str) -> dict:
    return {
        "customer_id": key,
        "loyalty_tier": "Bronze",
        "registration_date": "2024-06-01",
        "updated_at": updated_at,
        **more,
    }


def order(key: str, day: int = 15, status: str = "completed") -> dict:
    """An order of the customer of the same key."""
    return {
        "order_id": key,
        "customer_id": key,
        "order_date": f"2025-01-{day}T10:00:00Z",
        "order_status": status,
        "total_amount": "10",
        "channel": key,
        "updated_at": f"2025-01-{day}T10:00:00Z",
    }


def item(key: str, order_id: str, day: int = 15) -> dict:
    return {
        "item_id": key,
        "order_id": order_id,
        "product_id": "P1",
        "quantity": "1",
        "unit_price": "10",
        "updated_at": f"2025-01-{day}",
    }


def parcel(updated_at: str) -> dict:
    return {"shipment_id": "S1", "order_id": "sent", "carrier": "DHL", "updated_at": updated_at}


# One customer with one order for each rule.
KEYS = ("sent", "paid", "registered", "shortened", "repeated", "held")
NEXT = {
    # An older report of a parcel that is known.
    "shipments_2025_01_21.ndjson": [parcel("2025-01-17T09:00:00Z")],
    "customers_2025_01_21.ndjson": [
        # A version that was valid when the payment came; a later registration.
        customer("paid", "2025-01-14", loyalty_tier="Silver"),
        customer("registered", "2025-01-21", registration_date="2025-01-18"),
    ],
    "order_items_2025_01_21.ndjson": [
        # A line goes, of which only the line is named; a line comes again as it was.
        {"item_id": "shortened 2", "_op": "D", "updated_at": "2025-01-21"},
        item("repeated 1", "repeated", day=21),
    ],
}


@pytest.fixture(scope="module")
def by_keys_and_whole(tmp_path_factory) -> tuple[dict, dict]:
    """What FIGURES ask, after builds by touched keys and after a rebuild."""
    warehouse = Warehouse.with_own_project(tmp_path_factory.mktemp("rules"))
    product = {"product_id": "P1", "product_name": "P", "price": "10", "updated_at": "2024-01-01"}
    payment = {
        "transaction_id": "T1",
        "order_id": "paid",
        "amount": "10",
        "status": "paid",
        "transaction_timestamp": "2025-01-15T11:00:00Z",
    }
    warehouse.deliver(
        {
            "customers_2025_01_15.ndjson": [customer(key) for key in (*KEYS, "last")],
            "products_2025_01_15.ndjson": [product],
            "orders_2025_01_15.ndjson": [
                order(key, status="on_hold" if key == "held" else "completed") for key in KEYS
            ],
            "orders_2025_01_20.ndjson": [order("last", day=20)],
            "order_items_2025_01_15.ndjson": [
                item(f"{key} {number}", key) for key in KEYS for number in (1, 2)
            ],
            "payments_2025_01_15.ndjson": [payment],
            "shipments_2025_01_18.ndjson": [parcel("2025-01-18T09:00:00Z")],
        },
        *NO_TESTS,
    )
    whole_builds = "select count(*) from changes.written where is_whole"
    before = warehouse.ask(whole_builds)
    warehouse.edit("seeds/order_statuses.csv", "on_hold,true,", "on_hold,false,")
    warehouse.deliver(NEXT, *NO_TESTS)
    # A whole build compared with a whole build would show nothing.
    assert warehouse.ask(whole_builds) == before
    by_keys = {rule: sorted(warehouse.ask(sql), key=repr) for rule, sql in FIGURES.items()}
    warehouse.deliver({}, *NO_TESTS, "--full-refresh")
    whole = {rule: sorted(warehouse.ask(sql), key=repr) for rule, sql in FIGURES.items()}
    return by_keys, whole


@pytest.mark.parametrize("rule", FIGURES)
def test_what_a_change_elsewhere_says_of_a_row_is_in_it(by_keys_and_whole, rule):
    by_keys, whole = by_keys_and_whole
    assert by_keys[rule] == whole[rule]
