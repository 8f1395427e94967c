"""The demo of a project whose feeds are not those it came with: what it knows it still makes."""

import csv
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from orchestration.demo import generate
from orchestration.settings import PROJECT_DIR, ConfigurationError

# A feed of a name that the demo uses for files of no feed.
REFUNDS = {
    "name": "refunds",
    "config": {"meta": {"contract": {"format": "csv", "key": ["refund_id"]}}},
    "columns": [{"name": "refund_id", "config": {"meta": {"type": "text", "required": True}}}],
}


@pytest.fixture
def demo(tmp_path: Path) -> Callable[[Callable[[dict], None]], Path]:
    """Makes a demo with all faults after a change of the feeds (name → its source table)."""

    def make(change: Callable[[dict], None]) -> Path:
        path = PROJECT_DIR / "models" / "bronze" / "_bronze__sources.yml"
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        (source,) = document["sources"]
        tables = {table["name"]: table for table in source["tables"]}
        change(tables)
        source["tables"] = list(tables.values())
        contracts_file = tmp_path / "sources.yml"
        contracts_file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        generate(
            tmp_path / "data" / "landing",
            days=2,
            orders=20,
            faults=True,
            labels_path=tmp_path / "data" / "labels.jsonl",
            contracts_file=contracts_file,
        )
        return tmp_path / "data"

    return make


def add_column(tables: dict, feed: str, **meta: object) -> None:
    tables[feed]["columns"].append({"name": "note_of_ours", "config": {"meta": meta}})


def labels_of(made: Path) -> list[dict]:
    return [json.loads(line) for line in (made / "labels.jsonl").read_text().splitlines()]


def test_a_new_feed_and_an_optional_column_are_left_out(demo):
    def change(tables: dict) -> None:
        tables["refunds"] = REFUNDS
        add_column(tables, "orders", type="decimal(18,2)")

    made = demo(change)
    names = {path.name for path in (made / "landing").iterdir()}
    assert not [name for name in names if name.startswith("refunds")]
    with (made / "landing" / "orders_2025_01_14.csv").open(newline="") as file:
        assert "note_of_ours" not in next(csv.reader(file))
    assert not [label for label in labels_of(made) if "note_of_ours" in json.dumps(label)]
    (unknown,) = [label for label in labels_of(made) if label["fault"] == "feed_unknown"]
    assert unknown["file_name"] == "other_refunds_2025_01_14.csv"


@pytest.mark.parametrize("feed", ["clickstream", "orders", "addresses"])
def test_a_feed_that_is_gone_has_no_files_and_no_faults(demo, feed):
    def change(tables: dict) -> None:
        del tables[feed]
        for column in [column for table in tables.values() for column in table["columns"]]:
            meta = column.get("config", {}).get("meta", {})
            if meta.get("references") == feed:
                del meta["references"]

    made = demo(change)
    assert not list((made / "landing").glob(f"{feed}_2025*"))
    labels = labels_of(made)
    assert {label["level"] for label in labels} >= {"row", "line", "file", "batch"}
    assert not [label for label in labels if label.get("feed") == feed]
    thing = feed.removesuffix("s")
    assert not [label for label in labels if f"{thing}_unknown" in label.get("reasons", ())]


def test_files_are_written_as_their_contract_says(demo):
    def change(tables: dict) -> None:
        contract = tables["addresses"]["config"]["meta"]["contract"]
        contract |= {"delimiter": ";", "quote": "'", "encoding": "latin-1"}
        tables["payments"]["config"]["meta"]["contract"]["format"] = "ndjson"

    made = demo(change)
    landing = made / "landing"
    files = json.loads((landing / "trigger_2025_01_13.json").read_text())["expected_files"]
    (entry,) = [file for file in files if file["name"] == "addresses_2025_01_13.csv"]
    content = (landing / entry["name"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    rows = list(
        csv.DictReader(content.decode("latin-1").splitlines(), delimiter=";", quotechar="'")
    )
    assert len(rows) == entry["rows"]
    assert any("ß" in row["address_line_1"] for row in rows)
    payments = (landing / "payments_2025_01_13.ndjson").read_text().splitlines()
    assert all(isinstance(json.loads(line), dict) for line in payments)
    # Faults of lines and files are written in one way only.
    in_files = {label.get("file_name", "") for label in labels_of(made) if label["level"] != "row"}
    assert in_files
    assert not [name for name in in_files if name.startswith(("addresses", "payments"))]


def test_a_required_column_that_the_demo_does_not_know_is_told(demo, tmp_path):
    with pytest.raises(ConfigurationError, match="required column note_of_ours of feed orders"):
        demo(lambda tables: add_column(tables, "orders", type="text", required=True))
    assert not (tmp_path / "data").exists()


def test_of_feeds_that_are_all_new_there_is_no_demo(demo):
    def change(tables: dict) -> None:
        tables.clear()
        tables["refunds"] = REFUNDS

    with pytest.raises(ConfigurationError, match="knows none of the feeds"):
        demo(change)
