"""Files are read ahead of their turn: no more of them than needed, and nothing is settled by it."""

from contextlib import closing

import pytest
from landing_zone import LandingZone, orders_csv

from orchestration.loader import deliveries, load, read_ahead

FIRST, NEXT = "orders_2025_01_15.csv", "orders_2025_01_16.csv"


@pytest.fixture
def zone(tmp_path) -> LandingZone:
    return LandingZone(tmp_path / "data")


@pytest.fixture
def read_names(monkeypatch) -> list[str]:
    """The names of the files that were read, as often as they were."""
    names = []
    real_read = deliveries.read_file

    def read_file(run, path, name, contract, seen):
        names.append(name.name)
        return real_read(run, path, name, contract, seen)

    monkeypatch.setattr(deliveries, "read_file", read_file)
    return names


def test_each_file_is_read_once(zone, read_names):
    zone.drop(FIRST, orders_csv("1"))
    zone.drop(NEXT, orders_csv("2"))
    zone.drop_trigger("trigger_2025_01_16.json", {"name": NEXT, "rows": 1})
    assert zone.status() == {FIRST: "loaded", NEXT: "loaded"}
    assert sorted(read_names) == [FIRST, NEXT]


def test_a_file_that_is_known_or_waits_is_not_read(zone, read_names):
    zone.drop(FIRST, orders_csv("1"))
    zone.load()
    zone.drop("orders_2025_01_15_again.csv", orders_csv("1"))
    zone.drop(NEXT, orders_csv("2"))
    zone.drop_trigger("trigger_2025_01_16.json", NEXT, "orders_2025_01_16_b.csv")
    assert zone.status() == {"orders_2025_01_15_again.csv": "duplicate", NEXT: "waiting"}
    assert read_names == [FIRST]


def test_bytes_that_come_twice_in_one_load_count_once(zone):
    zone.drop(FIRST, orders_csv("1"))
    zone.drop(NEXT, orders_csv("1"))
    assert zone.status() == {FIRST: "loaded", NEXT: "duplicate"}
    assert zone.counting_orders() == ["1"]


def test_only_the_next_unit_is_read_ahead_when_units_are_large(zone, read_names, monkeypatch):
    names = [f"orders_2025_01_{day}.csv" for day in range(10, 20)]
    for name in names:
        zone.drop(name, orders_csv(name))
    read_before = []
    real_load_unit = load.load_unit

    def load_unit(run, batches, unit, unfinished):
        read_before.append(len(read_names))
        return real_load_unit(run, batches, unit, unfinished)

    monkeypatch.setattr(read_ahead, "_AHEAD_BYTES", 0)
    monkeypatch.setattr(load, "load_unit", load_unit)
    zone.load()
    assert sorted(read_names) == names
    assert all(read <= done + 2 for done, read in enumerate(read_before))


def test_nothing_is_left_in_memory_behind_a_load(zone):
    zone.drop(FIRST, orders_csv("1"))
    zone.drop(NEXT, "order_id\n1\n")
    with closing(load.connect(zone.settings)) as connection:
        for _ in range(2):
            report = load.load_landing(
                connection, zone.settings, zone.contracts, now=lambda: zone.now
            )
            databases = connection.execute(
                "select database_name from duckdb_databases() where not internal"
            ).fetchall()
            assert databases == [("warehouse",)]
            zone.drop(NEXT, orders_csv("2"))
    assert [file.status for file in report.files] == ["loaded"]
