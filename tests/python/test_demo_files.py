"""The clean demo: deterministic files that keep every promise of the landing contract."""

import csv
import hashlib
import json
import re
from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration.contracts import Contract, load_contracts
from orchestration.demo import generate
from orchestration.demo.chance import Plan
from orchestration.demo.deliveries import create_tables, known_contracts
from orchestration.settings import PROJECT_DIR, ConfigurationError

CONTRACTS_FILE = PROJECT_DIR / "models" / "bronze" / "_bronze__sources.yml"
DAYS, ORDERS, START = 7, 400, date(2025, 1, 13)


def contracts_of_demo() -> dict[str, Contract]:
    """What the demo delivers of the project's feeds, which may be more."""
    with duckdb.connect() as connection:
        create_tables(connection, Plan(days=1, orders=1, seed=1, start=START))
        return known_contracts(connection, load_contracts(CONTRACTS_FILE))


CONTRACTS = contracts_of_demo()
TYPES = {
    "integer": r"[+-]?\d+",
    "boolean": r"true|false",
    "date": r"\d{4}-\d\d-\d\d",
    "instant": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
}


def read(path: Path) -> list[dict]:
    """Records of a demo file; numbers of JSON as the Decimal of their text."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".csv":
        rows = list(csv.DictReader(text.splitlines()))
        return [{name: value or None for name, value in row.items()} for row in rows]
    if path.suffix == ".json":
        return json.loads(text, parse_float=Decimal)
    return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]


@pytest.fixture(scope="module")
def landing(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "landing"
    generate(folder, days=DAYS, orders=ORDERS, start=START)
    return folder


@pytest.fixture(scope="module")
def delivered(landing) -> dict[str, list[dict]]:
    """All rows per feed, in the order of the days."""
    return {
        feed: [row for path in sorted(landing.glob(f"{feed}_2025*")) for row in read(path)]
        for feed in CONTRACTS
    }


def newest(rows: list[dict], feed: str) -> dict[str, dict]:
    contract = CONTRACTS[feed]
    return {
        row[contract.key[0]]: row for row in sorted(rows, key=lambda row: row[contract.sequence])
    }


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_same_arguments_give_the_same_bytes(tmp_path):
    for run in ("first", "second"):
        generate(
            tmp_path / run / "landing",
            days=2,
            orders=20,
            faults=True,
            labels_path=tmp_path / run / "labels.jsonl",
        )
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


def test_another_seed_gives_other_rows_of_the_same_volume(tmp_path, landing):
    summary = generate(tmp_path, days=DAYS, orders=ORDERS, start=START, seed=8)
    other, own = contents(tmp_path), contents(landing)
    assert other.keys() == own.keys()
    assert not [name for name in own if own[name] == other[name]]
    assert summary.rows["orders"] > ORDERS


def test_every_day_has_all_feeds_and_a_trigger(landing):
    names = {path.name for path in landing.iterdir()}
    for day in range(DAYS):
        stamp = f"{START.year}_01_{START.day + day}"
        assert f"trigger_{stamp}.json" in names
        assert {name.split(f"_{stamp}")[0] for name in names if stamp in name} == {
            *CONTRACTS,
            "trigger",
        }
    assert len(names) == DAYS * (len(CONTRACTS) + 1)


def test_triggers_name_every_file_with_its_figures(landing):
    announced = {}
    for path in landing.glob("trigger_*.json"):
        for entry in json.loads(path.read_text())["expected_files"]:
            announced[entry["name"]] = entry
    files = [path for path in landing.iterdir() if not path.name.startswith("trigger")]
    assert announced.keys() == {path.name for path in files}
    for path in files:
        entry, rows = announced[path.name], read(path)
        assert entry["rows"] == len(rows) > 0
        assert entry["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        contract = next(c for feed, c in CONTRACTS.items() if path.name.startswith(f"{feed}_2025"))
        amounts = [column.name for column in contract.columns if column.type == "decimal(18,2)"]
        assert sorted(entry["totals"]) == sorted(amounts)
        for name in amounts:
            assert Decimal(entry["totals"][name]) == sum(Decimal(row[name] or 0) for row in rows)


@pytest.mark.parametrize("feed", CONTRACTS)
def test_columns_and_values_follow_the_contract(delivered, feed):
    contract, rows = CONTRACTS[feed], delivered[feed]
    for row in rows:
        extra = ["_op"] if feed == "customers" else []
        assert list(row) == [*contract.column_names, *extra]
        if row.get("_op") == "D":
            continue
        for column in contract.columns:
            value = row[column.name]
            if value is None:
                assert not column.required, column.name
            elif column.type == "json":
                assert isinstance(value, dict)
            elif column.type.startswith("decimal"):
                digits = int(column.type[:-1].split(",")[1])
                assert Decimal(value) == round(Decimal(value), digits)
            elif column.type in TYPES:
                text = str(value).lower() if isinstance(value, bool) else str(value)
                assert re.fullmatch(TYPES[column.type], text), (column.name, value)
    for column in contract.columns:
        assert any(row[column.name] is not None for row in rows), f"{column.name} is always null"


def test_references_hold_on_the_day_they_arrive(landing):
    known = defaultdict(set)
    for day in range(DAYS):
        rows = {
            feed: read(next(landing.glob(f"{feed}_2025_01_{START.day + day}.*")))
            for feed in CONTRACTS
        }
        for feed in CONTRACTS:
            known[feed] |= {row[CONTRACTS[feed].key[0]] for row in rows[feed]}
        for feed, contract in CONTRACTS.items():
            for column in contract.columns:
                if column.references:
                    assert {row[column.name] for row in rows[feed]} <= known[column.references]
        shipped_to = {row["shipping_address_id"] for row in rows["orders"]} - {None}
        assert shipped_to <= known["addresses"]


def test_keys_with_a_sequence_never_repeat_an_instant(delivered):
    for feed, contract in CONTRACTS.items():
        names = [*contract.key, *([contract.sequence] if contract.sequence else [])]
        versions = [tuple(row[name] for name in names) for row in delivered[feed]]
        assert len(versions) == len(set(versions)), feed


def test_order_totals_add_up(delivered):
    net = defaultdict(Decimal)
    for item in newest(delivered["order_items"], "order_items").values():
        gross = int(item["quantity"]) * Decimal(item["unit_price"])
        share = 1 - Decimal(item["discount_percent"]) / 100
        net[item["order_id"]] += (gross * share).quantize(Decimal("0.01"), ROUND_HALF_UP)
    orders = newest(delivered["orders"], "orders")
    assert len(orders) == ORDERS == len(net)
    for order_id, order in orders.items():
        total, discount, shipping = (
            Decimal(order[f"{name}_amount"]) for name in ("total", "discount", "shipping")
        )
        assert total == net[order_id] + shipping - discount
        assert 1 <= total <= 10000


def test_lines_cost_what_the_catalogue_said_that_day(delivered):
    versions = defaultdict(list)
    for product in sorted(delivered["products"], key=lambda row: row["updated_at"]):
        versions[product["product_id"]].append(product)
    placed = {order["order_id"]: order["order_date"] for order in delivered["orders"]}
    for item in delivered["order_items"]:
        valid = [
            product
            for product in versions[item["product_id"]]
            if product["updated_at"] <= placed[item["order_id"]]
        ]
        assert valid[-1]["is_active"]
        assert Decimal(item["unit_price"]) == Decimal(valid[-1]["price"])
    prices = {key: {row["price"] for row in rows} for key, rows in versions.items()}
    assert max(map(len, prices.values())) > 1, "no price ever changed"


def test_nothing_happens_before_its_cause(delivered):
    customers = newest([row for row in delivered["customers"] if row["_op"] != "D"], "customers")
    orders = newest(delivered["orders"], "orders")
    for order in orders.values():
        assert customers[order["customer_id"]]["registration_date"] <= order["order_date"][:10]
        assert order["order_date"] <= order["updated_at"]
    for shipment in delivered["shipments"]:
        if shipment["actual_delivery"]:
            assert shipment["actual_delivery"] >= orders[shipment["order_id"]]["order_date"][:10]
    for payment in delivered["payments"]:
        assert payment["transaction_timestamp"] >= orders[payment["order_id"]]["order_date"]


def test_the_shop_lives(delivered):
    by_order = defaultdict(list)
    for order in delivered["orders"]:
        by_order[order["order_id"]].append(order["order_status"])
    assert any(statuses[-2:] == ["shipped", "delivered"] for statuses in by_order.values())
    last = {statuses[-1] for statuses in by_order.values()}
    assert {"processing", "shipped", "delivered", "completed", "cancelled"} <= last
    assert {row["channel"] for row in delivered["orders"]} == {"web", "mobile", "store"}
    assert {row["_op"] for row in delivered["customers"]} == {"I", "U", "D"}
    statuses = {row["status"] for row in delivered["payments"]}
    assert {"failed", "declined", "pending", "refunded", "success"} <= statuses
    steps = {row["event_type"] for row in delivered["clickstream"]}
    assert steps == {
        "page_view", "search", "product_view", "add_to_cart", "checkout_start", "purchase",
    }  # fmt: skip


def test_deleted_customers_never_ordered(delivered):
    deleted = {row["customer_id"] for row in delivered["customers"] if row["_op"] == "D"}
    assert deleted
    assert not deleted & {row["customer_id"] for row in delivered["orders"]}


@pytest.mark.parametrize("days, orders", [(1, 1), (3, 2), (2, 1500)])
def test_any_volume_is_met(tmp_path, days, orders):
    summary = generate(tmp_path, days=days, orders=orders)
    placed = {row["order_id"] for path in tmp_path.glob("orders_*.csv") for row in read(path)}
    assert len(placed) == orders
    assert summary.triggers == days
    assert summary.size_bytes == sum(
        path.stat().st_size for path in tmp_path.iterdir() if not path.name.startswith("trigger")
    )
    assert all(path.stat().st_size for path in tmp_path.iterdir())


def test_other_files_of_landing_are_left_alone(tmp_path):
    (tmp_path / "orders_2024_01_01.csv").write_text("mine")
    generate(tmp_path, days=1, orders=5)
    assert (tmp_path / "orders_2024_01_01.csv").read_text() == "mine"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    "arguments, problem",
    [
        ({"days": 0}, "at least 1 day"),
        ({"orders": 0}, "at least 1 day and 1 order"),
        ({"faults": "meteors"}, "Unknown faults 'meteors'"),
        ({"faults": True}, "labels path"),
        ({"faults": True, "days": 1}, "at least 2 days"),
    ],
)
def test_wrong_arguments_are_refused(tmp_path, arguments, problem):
    with pytest.raises(ConfigurationError, match=problem):
        generate(tmp_path, **arguments)
    assert not list(tmp_path.iterdir())


def test_labels_in_landing_are_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="in the landing folder"):
        generate(tmp_path, faults=True, labels_path=tmp_path / "labels.jsonl")


def test_a_failure_leaves_no_landing_behind(tmp_path):
    def fail_at_the_last_day(sentence: str) -> None:
        if sentence.startswith("2025-01-14"):
            raise KeyboardInterrupt

    landing = tmp_path / "data" / "landing"
    with pytest.raises(KeyboardInterrupt):
        generate(landing, days=2, orders=5, report=fail_at_the_last_day)
    assert not list(landing.parent.iterdir())
