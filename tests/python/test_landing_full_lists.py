"""The guard of full lists: what would delete too much is held in landing."""

import json

import pytest
from landing_zone import LandingZone, orders_csv

from orchestration.loader import file_load, units


def products(count: int, *others: str, first: int = 0) -> str:
    keys = [f"P{number}" for number in range(first, first + count)] + list(others)
    return json.dumps([{"product_id": key, "product_name": key, "price": "1"} for key in keys])


def name(day: int, part: str = "") -> str:
    return f"products_2025_01_{day:02d}{part}.json"


@pytest.fixture
def zone(tmp_path):
    zone = LandingZone(tmp_path)
    zone.set_contract("products", extract="full")
    zone.drop(name(10), products(10))
    assert zone.status() == {name(10): "loaded"}
    return zone


def test_a_list_may_delete_up_to_the_ratio(zone):
    zone.drop(name(11), products(8))
    assert zone.status() == {name(11): "loaded"}


def test_a_list_that_deletes_more_is_held_and_released(zone):
    zone.drop(name(11), products(7, "new"))
    (outcome,) = zone.load().files
    assert (outcome.status, outcome.code) == ("held", "mass_delete")
    assert "3 of the 10 keys of products" in outcome.reason
    assert f"landing/{name(11)}" in zone.tree()
    assert zone.batches() == {"2025-01-11": ("held", outcome.reason)}
    assert zone.status() == {name(11): "mass_delete"}
    zone.release("2025-01-11", "range was cut")
    assert zone.status() == {name(11): "loaded"}
    assert zone.batches()["2025-01-11"][0] == "loaded"
    zone.drop(name(11), products(1))
    assert zone.status() == {name(11): "mass_delete"}, "a release is used up"


def test_a_list_is_compared_with_the_one_before_it_and_no_earlier_one(zone):
    zone.drop(name(11), products(20))
    assert zone.status() == {name(11): "loaded"}
    zone.drop(name(12), products(9))
    assert zone.status() == {name(12): "mass_delete"}


def test_a_hold_ends_when_the_right_list_comes(zone):
    zone.drop(name(11), products(1))
    zone.load()
    zone.drop(name(11), products(10, "new"))
    assert zone.status() == {name(11): "loaded"}
    assert zone.batches()["2025-01-11"][0] == "loaded"


def test_a_list_that_comes_late_is_compared_with_both_neighbours(zone):
    zone.drop(name(12), products(10, "new"))
    zone.load()
    zone.drop(name(11), products(10, "a", "b", "c"))
    (outcome,) = zone.load().files
    assert outcome.code == "mass_delete"
    assert "3 of the 13 keys of products in the full list of 2025-01-11" in outcome.reason
    zone.drop(name(11), products(10, "a", "b"))
    assert zone.status() == {name(11): "loaded"}


def test_parts_of_one_list_are_judged_together(zone):
    zone.drop(name(11, "_a"), products(5))
    assert zone.status() == {name(11, "_a"): "mass_delete"}
    zone.drop(name(11, "_b"), products(5, first=5))
    assert zone.status() == {name(11, "_a"): "loaded", name(11, "_b"): "loaded"}


def test_a_list_is_released_by_either_trigger_that_names_it(zone):
    for part in ("a", "b"):
        zone.drop_trigger(f"trigger_2025_01_11_{part}.json", name(11))
    zone.drop(name(11), products(1))
    assert zone.status() == {name(11): "mass_delete"}
    zone.release("trigger_2025_01_11_b")
    assert zone.status() == {name(11): "loaded"}


def test_parts_of_one_list_may_come_by_different_triggers(zone):
    zone.drop(name(11, "_a"), products(5))
    zone.drop(name(11, "_b"), products(5, first=5))
    zone.drop_trigger("trigger_2025_01_11.json", name(11, "_a"))
    zone.drop_trigger("trigger_2025_01_12.json", name(11, "_b"))
    assert zone.status() == {name(11, "_a"): "loaded", name(11, "_b"): "loaded"}


def test_a_correction_is_compared_without_the_file_it_replaces(zone):
    zone.drop(name(11), products(10, "new"))
    zone.load()
    zone.drop(name(11), products(2))
    assert zone.status() == {name(11): "mass_delete"}


def test_an_empty_list_deletes_nothing_and_is_no_neighbour(zone):
    zone.drop(name(11), "[]")
    zone.drop(name(12), products(5))
    assert zone.status() == {name(11): "loaded", name(12): "mass_delete"}


def test_a_row_that_deletes_is_not_listed(zone):
    rows = json.loads(products(10))
    for row in rows[:3]:
        row["_op"] = " Delete "
    zone.drop(name(11), json.dumps(rows))
    assert zone.status() == {name(11): "mass_delete"}


def test_only_the_list_of_a_batch_is_held(zone):
    trigger, orders = "trigger_2025_01_11.json", "addresses_2025_01_11.csv"
    zone.drop(name(11), products(1))
    zone.drop(orders, "address_id,customer_id\nA,C\n")
    zone.drop_trigger(trigger, {"name": name(11), "rows": 1}, {"name": orders, "rows": 1})
    assert zone.status() == {name(11): "mass_delete", orders: "loaded"}
    status, reason = zone.batches()["trigger_2025_01_11"]
    assert (status, reason.startswith(f"{name(11)}: mass_delete")) == ("held", True)
    zone.release("trigger_2025_01_11")
    assert zone.status() == {name(11): "loaded"}
    assert zone.batches()["trigger_2025_01_11"][0] == "loaded"


def test_a_delta_feed_is_never_held(zone):
    zone.set_contract("products", extract="delta")
    zone.drop(name(11), products(1))
    assert zone.status() == {name(11): "loaded"}


def test_the_ratio_is_the_contracts(zone):
    zone.set_contract("products", extract="full", max_deleted_ratio=0.29)
    zone.drop(name(11), products(7, "new"))
    assert zone.status() == {name(11): "mass_delete"}
    zone.set_contract("products", extract="full", max_deleted_ratio=0.3)
    assert zone.status() == {name(11): "loaded"}


def break_disk(monkeypatch, feed: str) -> None:
    """Let rows of a feed not be written, as on a full disk."""
    real_insert = file_load._insert

    def insert(run, entry, contract, reading):
        if entry.feed == feed:
            raise OSError(28, "No space left on device")
        return real_insert(run, entry, contract, reading)

    monkeypatch.setattr(file_load, "_insert", insert)


def releases_in_force(zone: LandingZone) -> int:
    ((count,),) = zone.query("select count(*) from bronze.releases where used_at is null")
    return count


def test_a_release_is_not_used_up_by_a_load_that_failed(zone, monkeypatch):
    zone.drop(name(11), products(1))
    zone.load()
    zone.release("2025-01-11", "range was cut")
    with monkeypatch.context() as patch:
        break_disk(patch, "products")
        (batch,) = zone.load().batches
    assert (batch.batch_id, batch.status) == ("2025-01-11", "held")
    assert zone.batches()["2025-01-11"][1].startswith("released (range was cut)")
    assert releases_in_force(zone) == 1
    assert zone.status() == {name(11): "loaded"}
    assert zone.batches()["2025-01-11"] == ("loaded", None)
    assert releases_in_force(zone) == 0


def test_a_release_waits_for_the_parts_that_failed(zone, monkeypatch):
    zone.drop(name(11, "_a"), products(1))
    zone.load()
    zone.release("2025-01-11")
    real_store = units.store

    def store(run, delivery):
        if delivery.name.name == name(11, "_a"):
            raise OSError(5, "Input/output error")
        real_store(run, delivery)

    zone.drop(name(11, "_b"), products(1, first=1))
    with monkeypatch.context() as patch:
        patch.setattr(units, "store", store)
        assert zone.status() == {name(11, "_a"): "failed", name(11, "_b"): "loaded"}
    assert zone.batches()["2025-01-11"][0] == "held"
    assert zone.status() == {name(11, "_a"): "loaded"}
    assert zone.batches()["2025-01-11"][0] == "loaded"


def test_a_file_of_another_feed_that_fails_keeps_no_release_in_force(zone, monkeypatch):
    zone.drop(name(11), products(1))
    zone.load()
    zone.release("2025-01-11")
    zone.drop("orders_2025_01_11.csv", orders_csv("1"))
    with monkeypatch.context() as patch:
        break_disk(patch, "orders")
        assert zone.status() == {name(11): "loaded", "orders_2025_01_11.csv": "failed"}
    assert zone.batches()["2025-01-11"] == ("loaded", None)
    assert releases_in_force(zone) == 0
