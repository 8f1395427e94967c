"""Planted faults: each has a label that points at it, and no clean row is touched."""

import csv
import gzip
import io
import json
import re
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pytest
from test_demo_files import CONTRACTS

from orchestration.demo import generate

DAYS, ORDERS, START = 3, 200, date(2025, 1, 13)
# The landing contract's table of expectations; what a contract alone implies is derived below.
PARTICULAR = {
    "orders": "order_status_unknown total_amount_negative total_amount_unusual"
    " order_before_registration order_date_in_future",
    "order_items": "quantity_not_positive unit_price_not_positive discount_percent_out_of_range"
    " product_inactive price_mismatch",
    "customers": "date_of_birth_in_future email_missing email_malformed phone_malformed"
    " _op_unknown preferences_invalid",
    "addresses": "city_empty state_empty postcode_empty",
    "products": "price_not_positive launch_date_in_future cost_above_price",
    "payments": "amount_negative currency_unknown risk_score_out_of_range status_unknown",
    "shipments": "shipping_cost_negative package_weight_kg_not_positive delivered_before_order"
    " shipping_cost_unusual",
    "inventory": "quantity_on_hand_negative",
    "clickstream": "event_type_unknown",
}
REFUSALS = {
    "empty_file", "truncated", "missing_columns", "duplicate_columns", "bad_encoding", "bad_gzip",
    "bad_json", "too_many_rejects", "unknown_feed", "no_batch_date", "unknown_format",
    "batch_date_in_future", "bad_trigger",
}  # fmt: skip
READABLE = {
    "integer": r"[+-]?\d+(\.0*)?",
    "boolean": r"(?i)true|false|t|f|yes|no|y|n|1|0",
    "decimal": r"[+-]?\d+(\.\d+)?",
}


def read(path: Path) -> list[dict]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".csv":
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        return [{name: value or None for name, value in row.items()} for row in rows]
    if path.suffix == ".json":
        return json.loads(text, parse_float=Decimal)
    return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("faulty")
    generate(
        folder / "landing",
        days=DAYS,
        orders=ORDERS,
        start=START,
        faults=True,
        labels_path=folder / "labels.jsonl",
    )
    return folder


@pytest.fixture(scope="module")
def labels(demo) -> dict[str, list[dict]]:
    by_level = defaultdict(list)
    for line in (demo / "labels.jsonl").read_text(encoding="utf-8").splitlines():
        label = json.loads(line)
        by_level[label["level"]].append(label)
    return by_level


@pytest.fixture(scope="module")
def labelled_rows(demo, labels) -> list[tuple[dict, dict]]:
    files = {
        name: read(demo / "landing" / name) for name in {row["file_name"] for row in labels["row"]}
    }
    return [(label, files[label["file_name"]][label["row_number"] - 1]) for label in labels["row"]]


def test_row_labels_point_at_their_rows(labelled_rows):
    for label, row in labelled_rows:
        keys = [row[name] for name in CONTRACTS[label["feed"]].key]
        assert label["business_key"] == "|".join("" if key is None else str(key) for key in keys)


def test_every_reason_of_the_contract_is_planted(labels):
    planted = {
        (label["feed"], reason)
        for label in labels["row"]
        for reason in [*label["reasons"], *label["warnings"]]
    }
    for feed, contract in CONTRACTS.items():
        expected = set(PARTICULAR[feed].split())
        for column in contract.columns:
            if column.references:
                expected.add(f"{column.references.removesuffix('s')}_unknown")
            elif column.required:
                expected.add(f"{column.name}_missing")
            if column.type not in ("text", "json"):
                expected.add(f"{column.name}_invalid")
        if contract.sequence:
            expected.add(f"{contract.sequence}_in_future")
        assert expected <= {reason for name, reason in planted if name == feed}, feed


def test_action_follows_from_the_reasons(labels):
    for label in labels["row"]:
        if label["action"] in ("quarantine", "released"):
            assert label["reasons"]
        elif label["action"] == "warn":
            assert label["warnings"] and not label["reasons"]
        else:
            assert label["action"] == "none" and not label["reasons"] and not label["warnings"]


def test_rows_have_the_planted_defect(demo, labelled_rows):
    accepted = defaultdict(set)
    for feed, contract in CONTRACTS.items():
        for path in (demo / "landing").glob(f"{feed}_2025_01_??.[cjn]*"):
            accepted[feed] |= {row[contract.key[0]] for row in read(path)}
    for label, row in labelled_rows:
        if label["action"] == "quarantine":
            accepted[label["feed"]].discard(row[CONTRACTS[label["feed"]].key[0]])
    for label, row in labelled_rows:
        if label["action"] == "released":
            assert row["order_id"] in accepted["orders"]
            continue
        for reason in [*label["reasons"], *label["warnings"]]:
            assert has_defect(label, row, reason, accepted), (label, row)


def test_late_parents_come_in_a_later_batch(demo, labelled_rows):
    released = [(label, row) for label, row in labelled_rows if label["action"] == "released"]
    assert {label["feed"] for label, _ in released} == {"order_items", "payments"}
    for label, row in released:
        day = re.search(r"2025_01_\d\d", label["file_name"]).group()
        arrivals = [
            path.name
            for path in (demo / "landing").glob("orders_2025_01_??.csv")
            if row["order_id"] in {order["order_id"] for order in read(path)}
        ]
        assert arrivals and min(arrivals) > f"orders_{day}.csv"


def has_defect(label: dict, row: dict, reason: str, accepted: dict[str, set]) -> bool:
    contract = CONTRACTS[label["feed"]]
    columns = {column.name: column for column in contract.columns}
    batch = date(*map(int, re.search(r"(\d{4})_(\d\d)_(\d\d)", label["file_name"]).groups()))
    tomorrow = str(batch + timedelta(days=2))

    def number(name: str) -> Decimal:
        return Decimal(str(row[name]))

    particular = {
        "total_amount_unusual": lambda: not 1 <= number("total_amount") <= 10000,
        "order_before_registration": lambda: row["order_date"] < row["created_at"],
        "discount_percent_out_of_range": lambda: not 0 <= number("discount_percent") <= 100,
        "product_inactive": lambda: int(row["product_id"][5:]) % 37 == 0,
        "price_mismatch": lambda: number("unit_price") in (0, Decimal("9999.99")),
        "email_malformed": lambda: "@" not in row["email"],
        "phone_malformed": lambda: not 7 <= sum(map(str.isdigit, row["phone"])) <= 15,
        "_op_unknown": lambda: row["_op"] not in ("I", "U", "D"),
        "cost_above_price": lambda: number("cost_price") > number("price"),
        "risk_score_out_of_range": lambda: not 0 <= number("risk_score") <= 100,
        "delivered_before_order": lambda: row["actual_delivery"] < str(batch - timedelta(days=2)),
        "shipping_cost_unusual": lambda: number("shipping_cost") > 100,
        "order_status_unknown": lambda: (
            row["order_status"] in ("teleported", "lost", "awaiting_lookup")
        ),
        "event_type_unknown": lambda: row["event_type"] == "teleport",
        "status_unknown": lambda: row["status"] == "teleported",
        "currency_unknown": lambda: row["currency"] == "ZZZ",
        "preferences_invalid": lambda: not is_json(row["preferences"]),
    }
    if reason in particular:
        return particular[reason]()
    if reason.endswith("_in_future"):
        return row[reason.removesuffix("_in_future")] >= tomorrow
    if reason.endswith("_not_positive"):
        return number(reason.removesuffix("_not_positive")) <= 0
    name, _, problem = reason.rpartition("_")
    if problem == "unknown":
        return row[f"{name}_id"] not in accepted[f"{name}s"]
    if problem in ("missing", "empty"):
        return row[name] is None
    if problem == "negative":
        return number(name) < 0
    assert problem == "invalid", reason
    kind = columns[name].type.split("(")[0]
    if kind in ("date", "instant"):
        return not is_instant(row[name])
    return not re.fullmatch(READABLE[kind], str(row[name]))


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def is_instant(text: str) -> bool:
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return not re.search(r"T(2[4-9]|[3-9]\d)|:[6-9]\d", text)


def test_clean_rows_stand_as_without_faults(tmp_path, demo, labels):
    generate(tmp_path, days=DAYS, orders=ORDERS, start=START)
    planted = defaultdict(set)
    for label in labels["row"]:
        planted[label["file_name"]].add(label["row_number"])
    for path in tmp_path.iterdir():
        if path.name.startswith("trigger"):
            continue
        rows = read(demo / "landing" / path.name)
        left = [row for n, row in enumerate(rows, 1) if n not in planted[path.name]]
        assert left == read(path), path.name


def test_accepted_rows_of_planted_files_belong_to_no_clean_order(demo, labels):
    """A copy that is accepted must not change the sums of the order it was copied from."""
    quarantined = {
        (row["file_name"], row["row_number"])
        for row in labels["row"]
        if row["action"] == "quarantine"
    }
    loaded = [row["file_name"] for row in labels["file"] if row["status"] == "loaded"]
    daily = [path.name for path in (demo / "landing").glob("*_2025_01_??.[cjn]*")]
    for name in [*loaded, *daily]:
        if not name.startswith(("order_items", "payments", "shipments")):
            continue
        for number, row in enumerate(read(demo / "landing" / name), start=1):
            if "_F" in (row[next(iter(row))] or "") and (name, number) not in quarantined:
                assert row["order_id"].startswith("ORD_F"), (name, row)


def test_triggers_count_planted_rows_too(demo):
    landing = demo / "landing"
    amounts = {"orders": "total_amount", "payments": "amount", "shipments": "shipping_cost"}
    for path in landing.glob("trigger_2025_01_??.json"):
        for entry in json.loads(path.read_text())["expected_files"]:
            if isinstance(entry, dict) and re.search(r"_2025_01_\d\d\.(csv|json)$", entry["name"]):
                rows = read(landing / entry["name"])
                assert entry["rows"] == len(rows)
                feed = next((f for f in amounts if entry["name"].startswith(f"{f}_")), None)
                if feed:
                    total = sum(map(as_number, (row[amounts[feed]] for row in rows)))
                    assert Decimal(entry["totals"][amounts[feed]]) == total


def as_number(value: object) -> Decimal:
    try:
        return Decimal(str(value or 0))
    except InvalidOperation:
        return Decimal(0)


def test_labels_of_lines_point_at_them(demo, labels):
    assert {label["feed"] for label in labels["line"]} == {"orders", "clickstream", "payments"}
    for label in labels["line"]:
        lines = (demo / "landing" / label["file_name"]).read_text().splitlines()
        assert lines[label["line_number"] - 1] == label["raw"]
        if label["feed"] == "orders":
            columns = len(CONTRACTS["orders"].columns)
            assert label["raw"].count(",") != columns - 1 or label["raw"].count('"') % 2


def test_every_refusal_of_the_contract_is_planted(demo, labels):
    refused = {
        label["file_name"]: label["reason"]
        for label in labels["file"]
        if label["status"] == "discarded"
    }
    assert set(refused.values()) == REFUSALS
    for name, reason in refused.items():
        content = (demo / "landing" / name).read_bytes()
        if reason == "truncated":
            assert not content.endswith(b"\n")
        elif reason == "empty_file":
            assert not content.removeprefix(b"\xef\xbb\xbf").strip()
        elif reason == "bad_gzip":
            with pytest.raises(EOFError):
                gzip.decompress(content)
        elif reason == "bad_encoding":
            with pytest.raises(UnicodeDecodeError):
                content.decode()
        elif reason == "duplicate_columns":
            header = content.split(b"\n")[0].split(b",")
            assert max(Counter(header).values()) == 2


def test_files_that_look_odd_hold_the_rows_of_their_label(demo, labels):
    for label in labels["file"]:
        path = demo / "landing" / label["file_name"]
        if label["status"] == "duplicate":
            assert path.read_bytes() == (demo / "landing" / label["duplicate_of"]).read_bytes()
        elif label["status"] == "loaded" and label["fault"] not in ("utf_16", "gzip"):
            text = path.read_text(encoding="utf-8-sig")
            rows = json.loads(text) if ".json" in path.name else csv.DictReader(io.StringIO(text))
            assert len(list(rows)) == label["rows_loaded"], path.name


def test_a_refused_file_that_a_trigger_names_gives_no_figures(demo, labels):
    refused = {row["file_name"] for row in labels["file"] if row["status"] == "discarded"}
    named = [
        entry
        for path in (demo / "landing").glob("trigger_2025_01_??.json")
        for entry in json.loads(path.read_text())["expected_files"]
    ]
    assert refused & {entry for entry in named if isinstance(entry, str)}
    assert not refused & {entry["name"] for entry in named if isinstance(entry, dict)}


def test_held_batches_name_their_reason(demo, labels):
    assert {(batch["status"], batch["reason"]) for batch in labels["batch"]} == {
        ("held", "rows_mismatch"),
        ("held", "sha256_mismatch"),
        ("held", "totals_mismatch"),
        ("held", "unknown_feed"),
        ("held", "bad_file_name"),
        ("waiting", None),
    }
    for batch in labels["batch"]:
        assert (demo / "landing" / batch["file_name"]).exists()
        assert all((demo / "landing" / name).exists() for name in batch["stays_in_landing"])


def test_redeliveries_repeat_a_name_with_other_bytes(demo, labels):
    again = {path.name: path.read_bytes() for path in (demo / "redeliveries").iterdir()}
    assert again.keys() == {label["file_name"] for label in labels["redelivery"]}
    for name, content in again.items():
        assert (demo / "landing" / name).read_bytes() != content


def test_groups_can_be_chosen(tmp_path):
    summary = generate(
        tmp_path / "landing", days=2, orders=20, faults="rows", labels_path=tmp_path / "labels"
    )
    assert set(summary.labels) == {"row"}
    assert summary.redeliveries is None


def test_older_version_comes_last_and_changes_nothing(demo, labels):
    (label,) = [row for row in labels["row"] if row["fault"] == "older_version"]
    rows = [row for path in (demo / "landing").glob("orders_2025_01_??.csv") for row in read(path)]
    versions = [row for row in rows if row["order_id"] == label["business_key"]]
    late = read(demo / "landing" / label["file_name"])[label["row_number"] - 1]
    assert max(versions, key=lambda row: row["updated_at"])["updated_at"] > late["updated_at"]
