"""What a word means and a product costs is that of the order's or payment's own instant.

Not that of the day on which its file came, nor of the day on which it was last changed.
"""

import csv

import pytest
from warehouse import Warehouse, assert_passed

from orchestration.settings import PROJECT_DIR

LATER = "2025-02-10T00:00:00Z"
LAST_OF_JANUARY, FIRST_OF_FEBRUARY = "2025-01-31T23:59:59Z", "2025-02-01T00:00:00Z"
# Words whose meaning changes with February, and one that ends with January.
WORDS = {
    "order_statuses": "gift,true,false,,2025-01-31,\nGift ,false,true,2025-02-01,,\n"
    "voucher,true,true,,2025-01-31,\n",
    "payment_statuses": "held,PENDING,,2025-01-31\nHeld ,SUCCESS,2025-02-01,\n",
}
INSTANTS = {"before": LAST_OF_JANUARY, "after": FIRST_OF_FEBRUARY}


def order(order_id: str, instant: str, status: str) -> dict:
    return {
        "order_id": order_id,
        "customer_id": "C1",
        "order_date": instant,
        "order_status": status,
        "total_amount": "10.00",
        "updated_at": LATER,
    }


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory) -> Warehouse:
    """All of it delivered on the tenth of February."""
    warehouse = Warehouse.with_own_project(tmp_path_factory.mktemp("own_day"))
    for seed, lines in WORDS.items():
        path = warehouse.settings.project_dir / "seeds" / f"{seed}.csv"
        path.write_text(path.read_text(encoding="utf-8") + lines, encoding="utf-8")
    deliveries = {
        "customers": [{"customer_id": "C1", "updated_at": "2024-01-01"}],
        "products": [
            {"product_id": "P1", "product_name": "P", "price": price, "updated_at": instant}
            for price, instant in (("10.00", "2024-01-01"), ("12.00", FIRST_OF_FEBRUARY))
        ],
        "orders": [order(key, instant, "Gift") for key, instant in INSTANTS.items()]
        + [order(f"voucher {key}", instant, "voucher") for key, instant in INSTANTS.items()],
        "order_items": [
            {
                "item_id": f"{key} {price}",
                "order_id": key,
                "product_id": "P1",
                "quantity": "1",
                "unit_price": price,
                "updated_at": LATER,
            }
            for key in INSTANTS
            for price in ("10.00", "12.00")
        ],
        "payments": [
            {
                "transaction_id": key,
                "order_id": key,
                "amount": "10.00",
                "status": "held",
                "transaction_timestamp": instant,
            }
            for key, instant in INSTANTS.items()
        ],
    }
    for feed, rows in deliveries.items():
        warehouse.drop_rows(f"{feed}_2025_02_10.ndjson", rows)
    warehouse.load()
    entities = "path:models/silver/entities"
    assert_passed(
        warehouse.build("--select", f"+{entities}/payments.sql", f"+{entities}/order_items.sql")
    )
    return warehouse


def test_an_order_counts_by_what_its_status_meant_on_its_day(warehouse):
    assert warehouse.ask(
        "select order_id, is_revenue, is_final from silver.orders where order_status = 'gift'"
        " order by all"
    ) == [("after", False, True), ("before", True, False)]


def test_a_status_is_allowed_by_the_day_of_the_order(warehouse):
    assert warehouse.ask(
        "select order_id, rejection_reasons from silver.stg_orders"
        " where starts_with(order_id, 'voucher') order by all"
    ) == [("voucher after", ["order_status_unknown"]), ("voucher before", [])]


def test_a_payment_has_the_status_that_its_word_meant_on_its_day(warehouse):
    assert warehouse.ask("select transaction_id, status from silver.payments order by all") == [
        ("after", "SUCCESS"),
        ("before", "PENDING"),
    ]


def test_a_price_that_begins_with_the_order_is_that_of_its_line(warehouse):
    assert warehouse.ask("select item_id, warnings from silver.stg_order_items order by all") == [
        ("after 10.00", ["price_mismatch"]),
        ("after 12.00", []),
        ("before 10.00", []),
        ("before 12.00", ["price_mismatch"]),
    ]


def meaning_of(seed: str) -> dict[str, str]:
    """First column → second column of a lookup as it is delivered with the project."""
    with (PROJECT_DIR / "seeds" / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
        return {row[0]: row[1] for row in csv.reader(file)}


def test_what_came_to_nothing_is_no_revenue():
    is_revenue = meaning_of("order_statuses")
    assert {is_revenue[status] for status in ("cancelled", "returned", "refunded")} == {"false"}
    assert is_revenue["completed"] == is_revenue["pending"] == "true"


def test_money_that_did_not_come_or_went_back_is_no_success():
    status = meaning_of("payment_statuses")
    assert {status[word] for word in ("refunded", "chargeback")} == {"REFUNDED"}
    assert {status[word] for word in ("authorized", "pending")} == {"PENDING"}
    assert {status[word] for word in ("declined", "cancelled", "failed")} == {"FAILED"}
