"""Gold follows from the files that count: not from their order, nor from what was taken back."""

import re
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from warehouse import Warehouse, assert_passed

from orchestration.demo import DEFAULT_START, generate
from orchestration.loader.retract import retract

DAYS = 3
NAMED = [f"{DEFAULT_START + timedelta(day):%Y_%m_%d}" for day in range(DAYS)]


@pytest.fixture(scope="module")
def delivery(tmp_path_factory) -> dict[str, bytes]:
    """file name → content of a small shop's days, faults and late parents among them."""
    folder = tmp_path_factory.mktemp("delivery")
    landing = folder / "landing"
    generate(landing, days=DAYS, orders=160, faults=True, labels_path=folder / "labels.jsonl")
    return {path.name: path.read_bytes() for path in sorted(landing.iterdir()) if path.is_file()}


def gold_after(folder: Path, batches: list[dict[str, bytes]]) -> dict[str, list[str]]:
    """Gold table → its rows as sorted text, after one build per batch of files."""
    warehouse = Warehouse.at(folder)
    for batch in batches:
        for name, content in batch.items():
            warehouse.drop(name, content)
        warehouse.load()
        is_last = batch is batches[-1]
        result = warehouse.build(*([] if is_last else ["--exclude-resource-type", "test"]))
        assert_passed(result)
    return gold_of(warehouse)


def gold_of(warehouse: Warehouse) -> dict[str, list[str]]:
    """Gold table → its rows as sorted text."""
    tables = [
        name
        for (name,) in warehouse.ask(
            "select table_name from information_schema.tables where table_schema = 'gold'"
        )
    ]
    return {table: sorted(map(repr, warehouse.ask(f"from gold.{table}"))) for table in tables}


@pytest.fixture(scope="module")
def all_at_once(tmp_path_factory, delivery):
    return gold_after(tmp_path_factory.mktemp("at_once"), [delivery])


def by_day(delivery: dict[str, bytes]) -> list[dict[str, bytes]]:
    """The files of each day; those whose names tell no day of the demo come with the first."""
    days: list[dict[str, bytes]] = [{} for _ in range(DAYS)]
    for name, content in delivery.items():
        found = re.search(r"\d{4}_\d{2}_\d{2}", name)
        place = NAMED.index(found[0]) if found and found[0] in NAMED else 0
        days[place][name] = content
    return days


def test_one_batch_per_build_gives_the_same_gold(tmp_path, delivery, all_at_once):
    assert sum(map(len, all_at_once.values())) > 1000
    assert gold_after(tmp_path, by_day(delivery)) == all_at_once


def test_the_reverse_order_gives_the_same_gold(tmp_path, delivery, all_at_once):
    assert gold_after(tmp_path, by_day(delivery)[::-1]) == all_at_once


def test_a_retracted_day_leaves_gold_as_if_it_had_never_come(tmp_path, delivery):
    *first_days, last_day = by_day(delivery)
    before = {name: content for day in first_days for name, content in day.items()}
    without = gold_after(tmp_path / "without", [before])

    warehouse = Warehouse.at(tmp_path / "with")
    assert gold_after(tmp_path / "with", [before, last_day]) != without
    with duckdb.connect(str(warehouse.settings.warehouse)) as connection:
        batches = connection.execute(
            "select distinct batch_id from bronze.files where status = 'loaded'"
            " and batch_date = (select max(batch_date) from bronze.files where status = 'loaded')"
        ).fetchall()
        assert batches
        for (batch_id,) in batches:
            retract(connection, batch_id, "to see whether a trace is left")
    warehouse.load()
    assert_passed(warehouse.build())
    assert gold_of(warehouse) == without
