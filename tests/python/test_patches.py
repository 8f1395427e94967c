"""A steward's patches: one value of one landed row is corrected, what was delivered stays."""

import csv
import json
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from test_privacy import texts
from warehouse import Warehouse, assert_passed

from orchestration.builds import begin_build
from orchestration.loader.load import connect
from orchestration.publish import current_file, publish

CUSTOMERS, ORDERS = "customers_2025_01_15.ndjson", "orders_2025_01_15.csv"
ITEMS, PAYMENTS = "order_items_2025_01_15.csv", "payments_2025_01_15.ndjson"
DOUBLE = "orders_2025_01_14.csv"

# What staging and all that stands on it needs, with the tests whose inputs are all there.
SELECTION = ("--select", "+quarantine", "+fact_orders")
SEED_TESTS = ("patches_do_not_contradict", "patches_name_known_columns", "patches_are_complete")

ADDRESS = "grace.hopper@example.net"


def patch(file: str, row: int | str, column: str, value: str, **more: str) -> dict[str, str]:
    cell = {"file_name": file, "row_number": str(row), "column_name": column, "new_value": value}
    return cell | {"who": "steward", "why": "asked the shop"} | more


def write_patches(warehouse: Warehouse, *patches: dict[str, str]) -> None:
    header = list(dict.fromkeys([*patch("", "", "", ""), *(key for row in patches for key in row)]))
    path = warehouse.settings.project_dir / "seeds" / "patches.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(patches)


def order(order_id: str, **more: str) -> dict[str, str]:
    row = {"order_id": order_id, "customer_id": "C1", "order_date": "2025-01-15T08:00:00Z"}
    return row | {"order_status": "pending", "total_amount": "10.00", "currency": "EUR"} | more


def drop_a_day(warehouse: Warehouse) -> None:
    """A day with one fault of each kind that a patch can mend; orders are numbered by record."""
    warehouse.drop_rows(CUSTOMERS, [{"customer_id": "C1", "email": "ada@example.com"}])
    orders = [
        order("O1"),
        order("O2", order_status="pnding"),
        order("O3", total_amount="12,50"),
        order("", total_amount="4.00"),
        order("O5", customer_id="C9"),
        order("O6", order_status="gone", currency="ERU"),
        order("O7", channel="web"),
        order("O8"),
    ]
    warehouse.drop_rows(ORDERS, orders)
    item = {"item_id": "I1", "order_id": "O3", "product_id": "P1"}
    warehouse.drop_rows(ITEMS, [item | {"quantity": "2", "unit_price": "3.00"}])
    product = {"product_id": "P1", "product_name": "Cup", "price": "3.00", "is_active": "true"}
    warehouse.drop_rows("products_2025_01_15.ndjson", [product])
    payment = {"transaction_id": "T1", "order_id": "O99", "amount": "10.00", "currency": "EUR"}
    at = {"transaction_timestamp": "2025-01-15T09:00:00Z"}
    warehouse.drop_rows(PAYMENTS, [payment | at])


PATCHES = [
    patch(ORDERS, 2, "order_status", " pending "),
    patch(ORDERS, 3, "Total_Amount", "12.50"),
    patch(ORDERS, 4, "order_id", "007"),
    patch(ORDERS, 5, "customer_id", "C1"),
    # Two cells of one row, which stays in quarantine by its status.
    patch(ORDERS, 6, "currency", "EUR"),
    patch(ORDERS, 6, "total_amount", "11.00"),
    patch(ORDERS, 7, "channel", ""),
    patch(ORDERS, 8, "_op", "D"),
    patch(ITEMS, 1, "quantity", "5"),
    patch(PAYMENTS, 1, "order_id", "O1"),
]

HELD = (
    "select business_key, rejection_reasons, attempts, amount_held from silver.quarantine"
    " where feed in ('orders', 'payments') order by feed, row_number"
)


def failures(result) -> dict[str, tuple[str, int]]:
    """Test that found something → its status and how many rows it found."""
    return {
        row.node.name: (str(row.status), row.failures)
        for row in result.result
        if row.node.resource_type == "test" and row.status not in ("pass", "skipped")
    }


class Story:
    """Three builds of one day: as delivered, with its patches, and without them again."""

    def __init__(self, folder: Path) -> None:
        self.warehouse = Warehouse.with_own_project(folder)
        drop_a_day(self.warehouse)
        self.warehouse.load()
        self.bronze_before = self.bronze()
        self.delivered = self.build()
        self.patched = self.build(*PATCHES)
        self.bronze_after = self.bronze()
        self.sql = self.compiled("stg_orders"), self.compiled("stg_shipments")
        self.removed = self.build()

    def build(self, *patches: dict[str, str]) -> dict:
        write_patches(self.warehouse, *patches)
        result = self.warehouse.build(*SELECTION)
        assert result.success, failures(result)
        ran = {row.node.name for row in result.result if row.status == "pass"}
        assert {"amounts_are_accepted_or_held", "patches_do_not_contradict"} <= ran
        ask = self.warehouse.ask
        return {
            "orders": ask(
                "select order_id, customer_id, order_status, total_amount::varchar, channel"
                " from silver.orders order by order_id"
            ),
            "facts": ask("from gold.fact_orders order by order_id"),
            "held": ask(HELD),
            "original": ask("select original from silver.quarantine where file_name = ?", ORDERS),
        }

    def bronze(self) -> list:
        tables = ("customers", "orders", "order_items", "payments", "files")
        return [self.warehouse.ask(f"from bronze.{table} order by all") for table in tables]

    def compiled(self, model: str) -> str:
        folder = self.warehouse.settings.data_dir / "dbt" / "target" / "compiled"
        return next(folder.rglob(f"{model}.sql")).read_text()


@pytest.fixture(scope="module")
def story(tmp_path_factory) -> Story:
    return Story(tmp_path_factory.mktemp("story"))


def test_without_patches_the_faults_are_in_quarantine(story):
    assert [order_id for order_id, *_ in story.delivered["orders"]] == ["O1", "O7", "O8"]
    assert [(key, reasons) for key, reasons, *_ in story.delivered["held"]] == [
        ("O2", ["order_status_unknown"]),
        ("O3", ["total_amount_invalid"]),
        ("", ["order_id_missing"]),
        ("O5", ["customer_unknown"]),
        ("O6", ["order_status_unknown"]),
        ("T1", ["order_unknown"]),
    ]


def test_patched_rows_come_back_as_if_so_delivered(story):
    assert story.patched["orders"] == [
        ("007", "C1", "pending", "4.00", None),
        ("O1", "C1", "pending", "10.00", None),
        ("O2", "C1", "pending", "10.00", None),
        ("O3", "C1", "pending", "12.50", None),
        ("O5", "C1", "pending", "10.00", None),
        # An empty value is null; O8 is deleted by its patched _op.
        ("O7", "C1", "pending", "10.00", None),
    ]
    assert [row[4] for row in story.delivered["orders"]] == [None, "web", None]


def test_what_else_is_wrong_with_a_row_still_holds_it_and_is_counted(story):
    ((key, reasons, attempts, amount),) = story.patched["held"]
    assert (key, reasons, attempts, str(amount)) == ("O6", ["order_status_unknown"], 2, "11.00")


def test_quarantine_shows_the_delivered_value(story):
    ((original,),) = story.patched["original"]
    assert (json.loads(original)["currency"], json.loads(original)["total_amount"]) == (
        "ERU",
        "10.00",
    )


def test_bronze_keeps_what_was_delivered(story):
    assert story.bronze_before == story.bronze_after == story.bronze()


def test_without_the_patches_all_is_as_before(story):
    assert story.removed["orders"] == story.delivered["orders"]
    assert story.removed["facts"] == story.delivered["facts"]
    held_before = [(key, reasons, amount) for key, reasons, _, amount in story.delivered["held"]]
    assert [(key, reasons, amount) for key, reasons, _, amount in story.removed["held"]] == (
        held_before
    )
    # A row that was released is new in quarantine; one that was not has been there all the time.
    attempts = {key: attempts for key, _, attempts, _ in story.removed["held"]}
    assert attempts == {"O2": 1, "O3": 1, "": 1, "O5": 1, "O6": 3, "T1": 1}


def test_a_feed_without_patches_pays_nothing(story):
    patched, unpatched = story.sql
    assert "patches" in patched
    assert "patch" not in unpatched


@pytest.fixture(scope="module")
def patched_again(story) -> Warehouse:
    assert story.build(*PATCHES)["facts"] == story.patched["facts"]
    return story.warehouse


@pytest.mark.parametrize(
    ("table", "damage"),
    [
        ("stg_orders", "update {} set total_amount = total_amount + 0.01 where order_id = 'O3'"),
        ("stg_orders", "delete from {} where order_id = 'O3'"),
        ("stg_order_items", "update {} set _amount = 6 where item_id = 'I1'"),
        ("quarantine", "update {} set amount_held = 10 where business_key = 'O6'"),
        ("quarantine", "delete from {} where business_key = 'O6'"),
    ],
)
def test_the_money_test_sees_a_patched_amount_that_is_lost(patched_again, table, damage):
    whole = patched_again.ask(f"select count(*) from silver.{table}")
    patched_again.ask(f"create or replace table silver.whole as from silver.{table}")
    patched_again.ask(damage.format(f"silver.{table}"))
    result = patched_again.dbt("test", "--select", "amounts_are_accepted_or_held")
    patched_again.ask(f"create or replace table silver.{table} as from silver.whole")
    assert failures(result) == {"amounts_are_accepted_or_held": ("fail", 1)}
    assert patched_again.ask(f"select count(*) from silver.{table}") == whole


@pytest.fixture
def warehouse(tmp_path) -> Warehouse:
    """One with a customer; orders of one record each are loaded by `load_order`."""
    warehouse = Warehouse.with_own_project(tmp_path)
    warehouse.drop_rows(CUSTOMERS, [{"customer_id": "C1", "email": "ada@example.com"}])
    warehouse.load()
    return warehouse


def load_order(warehouse: Warehouse, file: str, order_id: str, status: str = "pnding") -> None:
    warehouse.drop_rows(file, [order(order_id, order_status=status)])
    warehouse.load()


def statuses(warehouse: Warehouse, *patches: dict[str, str]) -> tuple[dict, dict]:
    """order_id → status in staging, and the tests that did not pass, after a build."""
    write_patches(warehouse, *patches)
    selection = ("--select", "+stg_orders", *SEED_TESTS, "patches_find_their_row")
    result = warehouse.build(*selection, "--exclude", "test_type:generic")
    assert result.success, failures(result)
    rows = warehouse.ask("select order_id, order_status from silver.stg_orders")
    return dict(rows), failures(result)


@pytest.mark.parametrize("arrival", [(ORDERS, DOUBLE), (DOUBLE, ORDERS)], ids=["late", "early"])
@pytest.mark.parametrize("name", [ORDERS, DOUBLE])
def test_a_doubled_file_is_patched_by_either_name(warehouse, arrival, name):
    for file in arrival:
        load_order(warehouse, file, "O1")
    assert statuses(warehouse, patch(name, 1, "order_status", "pending")) == ({"O1": "pending"}, {})


def test_a_correction_is_not_patched_by_what_was_written_for_the_file_before_it(warehouse):
    load_order(warehouse, ORDERS, "O1")
    by_name = patch(ORDERS, 1, "order_status", "pending")
    assert statuses(warehouse, by_name) == ({"O1": "pending"}, {})

    load_order(warehouse, ORDERS, "O2", "delivred")
    outdated = {"patches_find_their_row": ("warn", 1)}
    assert statuses(warehouse, by_name) == ({"O2": "delivred"}, outdated)

    ((sha256,),) = warehouse.ask("select sha256 from bronze.files where status = 'superseded'")
    of_the_first = by_name | {"sha256": sha256}
    assert statuses(warehouse, of_the_first) == ({"O2": "delivred"}, outdated)

    ((sha256,),) = warehouse.ask(
        "select sha256 from bronze.files where status = 'loaded' and feed = 'orders'"
    )
    of_the_second = patch(ORDERS, 1, "order_status", "delivered", sha256=sha256.upper())
    assert statuses(warehouse, of_the_first, of_the_second) == ({"O2": "delivered"}, outdated)


def test_two_patches_are_not_taken_for_one_that_reads_like_both(warehouse):
    load_order(warehouse, ORDERS, "O1", "delivred")
    both = patch(ORDERS, 1, "channel", "web|order_status=pending")
    assert statuses(warehouse, both) == ({"O1": "delivred"}, {})
    each = patch(ORDERS, 1, "channel", "web"), patch(ORDERS, 1, "order_status", "pending")
    assert statuses(warehouse, *each) == ({"O1": "pending"}, {})


def test_a_correction_with_the_bytes_of_another_file_is_patched_once(warehouse):
    load_order(warehouse, DOUBLE, "O1")
    load_order(warehouse, ORDERS, "O2")
    load_order(warehouse, ORDERS, "O1")
    both = "select count(*), count(distinct sha256) from bronze.files"
    assert warehouse.ask(f"{both} where feed = 'orders' and status = 'loaded'") == [(2, 1)]
    assert statuses(warehouse, patch(DOUBLE, 1, "order_status", "pending")) == (
        {"O1": "pending"},
        {},
    )
    assert warehouse.ask("select count(*) from silver.patched_rows") == [(1,)]


def test_quarantine_shows_the_key_by_its_newest_patch(warehouse):
    row = {"product_id": "P1", "warehouse_id": "W1", "snapshot_date": "?", "quantity_on_hand": "1"}
    warehouse.drop_rows("inventory_2025_01_15.csv", [row])
    warehouse.load()
    # Neither reads as a day: the row as it is judged stays the same.
    for value in ("soon", "later"):
        write_patches(warehouse, patch("inventory_2025_01_15.csv", 1, "snapshot_date", value))
        assert_passed(warehouse.build("--select", "+quarantine", "--exclude", "test_type:singular"))
        assert warehouse.ask("select business_key from silver.quarantine") == [(f"P1|W1|{value}",)]


def test_a_patch_without_a_row_is_warned_of(warehouse):
    load_order(warehouse, ORDERS, "O1")
    lost = [
        patch(ORDERS, 2, "order_status", "pending"),
        patch("orders_2025_01_16.csv", 1, "order_status", "pending"),
    ]
    found, told = statuses(warehouse, *lost)
    assert (found, told) == ({"O1": "pnding"}, {"patches_find_their_row": ("warn", 2)})
    problems = warehouse.ask("select problem from test_failures.patches_find_their_row order by 1")
    assert problems == [("no file of this name was loaded",), ("the file has no such row",)]


def test_a_bad_patch_stops_the_build_before_staging_and_is_named(warehouse):
    load_order(warehouse, ORDERS, "O1")
    load_order(warehouse, DOUBLE, "O1")
    good = patch(ORDERS, 1, "order_status", "pending")
    before, _ = statuses(warehouse)
    bad = {
        "patches_do_not_contradict": [
            [good, good | {"new_value": "shipped"}],
            # Two names of the same bytes.
            [good, good | {"file_name": DOUBLE}],
        ],
        "patches_name_known_columns": [
            [patch(ORDERS, 1, "email", "")],
            [patch("not_loaded.csv", 1, "statsu", "")],
        ],
        "patches_are_complete": [
            [good | {"who": " "}],
            [good | {"why": ""}],
            [good | {"row_number": "1.4"}],
            [good | {"row_number": "first"}],
            [good | {"row_number": ""}],
            [good | {"file_name": ""}],
            [good | {"column_name": ""}],
        ],
    }
    for test, cases in bad.items():
        for patches in cases:
            write_patches(warehouse, *patches)
            result = warehouse.build("--select", "patches", "files_that_count", "stg_orders", test)
            assert not result.success
            assert failures(result) == {test: ("fail", len(patches))}, patches
            status = {row.node.name: str(row.status) for row in result.result}
            assert status["stg_orders"] == "skipped"
            stored = warehouse.ask(f"select file_name, column_name from test_failures.{test}")
            assert len(stored) == len(patches)
    assert dict(warehouse.ask("select order_id, order_status from silver.stg_orders")) == before


def test_a_patched_address_stands_in_its_seed_only(warehouse):
    write_patches(
        warehouse, patch(CUSTOMERS, 1, "email", ADDRESS), patch(CUSTOMERS, 9, "email", ADDRESS)
    )
    assert_passed(warehouse.build("--log-level-file", "debug"))
    assert warehouse.ask("select email_domain from gold.dim_customer where customer_id = 'C1'") == [
        ("example.net",)
    ]

    with closing(connect(warehouse.settings)) as connection:
        begin_build(connection, "run")
        publish(connection, warehouse.settings, "run")
        holders = [
            column
            for column, values in texts(connection, but=("bronze",)).items()
            if any(ADDRESS in value for value in values)
        ]
    assert holders == ["seeds.patches.new_value"]
    with closing(duckdb.connect(current_file(warehouse.settings), read_only=True)) as published:
        assert not [v for values in texts(published).values() for v in values if ADDRESS in v]

    written = [path for path in (warehouse.settings.data_dir / "dbt").rglob("*") if path.is_file()]
    assert any(path.name == "dbt.log" for path in written)
    assert not [path for path in written if ADDRESS.encode() in path.read_bytes()]
