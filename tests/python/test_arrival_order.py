"""The order of arrival does not matter: the same files give the same gold, row for row."""

import re
from pathlib import Path

import pytest
from warehouse import Warehouse

from orchestration.demo import generate

DAYS = 4


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
        assert result.success
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
    days: dict[str, dict[str, bytes]] = {}
    for name, content in delivery.items():
        found = re.search(r"\d{4}_\d{2}_\d{2}", name)
        days.setdefault(found[0] if found else "", {})[name] = content
    return [days[day] for day in sorted(days)]


def test_one_batch_per_build_gives_the_same_gold(tmp_path, delivery, all_at_once):
    assert sum(map(len, all_at_once.values())) > 1000
    assert gold_after(tmp_path, by_day(delivery)) == all_at_once


def test_the_reverse_order_gives_the_same_gold(tmp_path, delivery, all_at_once):
    assert gold_after(tmp_path, by_day(delivery)[::-1]) == all_at_once
