"""A feed whose deliveries are full lists deletes what a list no longer names."""

from datetime import datetime, timedelta

import pytest
from warehouse import Warehouse, assert_passed

SOURCES = "models/bronze/_bronze__sources.yml"


def products(*keys: str) -> list[dict]:
    """Rows that never change: their updated_at is older than every delivery."""
    return [
        {"product_id": key, "product_name": key, "price": "1", "updated_at": "2024-01-01"}
        for key in keys
    ]


STEADY = [f"P{number}" for number in range(10)]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory) -> Warehouse:
    warehouse = Warehouse.with_own_project(tmp_path_factory.mktemp("full_lists"))
    warehouse.edit(
        SOURCES,
        "key: [product_id]\n",
        "key: [product_id]\n              extract: full\n",
    )
    # In no order: what a list no longer names must not depend on arrival.
    for number, keys in (
        (3, [*STEADY, "returning"]),
        (1, [*STEADY, "leaving", "returning"]),
        (2, STEADY),
        (4, []),
        (5, [*STEADY, "returning", "new"]),
        (7, [*STEADY, "new"]),
        (8, [*STEADY, "returning", "new"]),
    ):
        name = f"products_2025_01_{number:02d}.json"
        if keys:
            warehouse.drop_rows(name, products(*keys))
        else:
            warehouse.drop(name, "[]")
        (outcome,) = warehouse.load().files
        assert outcome.status == ("duplicate" if number == 8 else "loaded")
    assert_passed(warehouse.build("--select", "+products_history", "+products"))
    return warehouse


def versions(warehouse: Warehouse, key: str) -> list[tuple]:
    return warehouse.ask(
        "select valid_from, valid_to from snapshots.products_history"
        " where product_id = ? and dbt_valid_to is null order by valid_from",
        key,
    )


def test_a_key_that_is_no_longer_listed_is_deleted(warehouse):
    assert versions(warehouse, "leaving") == [(datetime(2024, 1, 1), datetime(2025, 1, 2))]


def test_a_key_that_is_listed_again_returns(warehouse):
    """Also when the list has the bytes of an earlier one."""
    assert versions(warehouse, "returning") == [
        (datetime(2024, 1, 1), datetime(2025, 1, 2)),
        (datetime(2025, 1, 3), datetime(2025, 1, 7)),
        (datetime(2025, 1, 8), None),
    ]


def test_an_empty_delivery_deletes_nothing(warehouse):
    assert versions(warehouse, "P0") == [(datetime(2024, 1, 1), None)]


def test_silver_holds_the_living(warehouse):
    living = {key for (key,) in warehouse.ask("select product_id from silver.products")}
    assert living == {*STEADY, "returning", "new"}


@pytest.fixture(scope="module")
def odd_lists(tmp_path_factory) -> Warehouse:
    """Rows of the next day, a list without keys, a key that comes back with a fault at first."""
    warehouse = Warehouse.with_own_project(tmp_path_factory.mktemp("odd_lists"))
    full = "key: [product_id]\n              extract: full\n"
    warehouse.edit(SOURCES, "key: [product_id]\n", full + "              max_deleted_ratio: 1\n")
    (night,) = products("night")
    night["updated_at"] = "2025-01-11T02:00:00Z"
    (faulty,) = products("back")
    faulty["price"] = "-1"
    (refused,) = products("refused")
    refused |= {"price": "-1", "updated_at": "2030-01-01"}
    for number, rows in (
        (10, [*products(*STEADY, "back"), night]),
        (11, products(*STEADY)),
        (12, [{**row, "product_id": ""} for row in products(*STEADY)]),
        (13, [*products(*STEADY), faulty]),
        (14, [*products(*STEADY, "back"), night]),
        (15, products(*STEADY, "back", "refused")),
        (16, [*products(*STEADY, "back"), refused]),
        (17, products(*STEADY, "back")),
    ):
        warehouse.drop_rows(f"products_2025_01_{number:02d}.json", rows)
    assert {outcome.status for outcome in warehouse.load().files} == {"loaded", "duplicate"}
    assert_passed(warehouse.build("--select", "+products_history", "+products"))
    return warehouse


def test_a_list_without_keys_deletes_nothing(odd_lists):
    assert versions(odd_lists, "P0") == [(datetime(2024, 1, 1), None)]


def test_rows_of_the_next_day_are_deleted_after_themselves(odd_lists):
    (first, first_end), (second, second_end) = versions(odd_lists, "night")
    exported = datetime(2025, 1, 11, 2)
    assert first == exported and exported < first_end < exported + timedelta(milliseconds=1)
    assert (second, second_end) == (datetime(2025, 1, 14), datetime(2025, 1, 15))


def test_a_key_that_comes_back_with_a_fault_is_back_once_it_is_mended(odd_lists):
    assert versions(odd_lists, "back") == [
        (datetime(2024, 1, 1), datetime(2025, 1, 11)),
        (datetime(2025, 1, 13), None),
    ]
    living = {key for (key,) in odd_lists.ask("select product_id from silver.products")}
    assert living == {*STEADY, "back"}


def test_the_time_of_a_refused_row_does_not_put_off_a_deletion(odd_lists):
    assert versions(odd_lists, "refused") == [(datetime(2024, 1, 1), datetime(2025, 1, 17))]


def test_a_delivery_that_deletes_too_much_is_held(tmp_path):
    warehouse = Warehouse.with_own_project(tmp_path)
    warehouse.edit(
        SOURCES, "key: [product_id]\n", "key: [product_id]\n              extract: full\n"
    )
    warehouse.drop_rows("products_2025_01_01.json", products(*STEADY))
    warehouse.load()
    warehouse.drop_rows("products_2025_01_02.json", products(*STEADY[:7]))
    (held,) = warehouse.load().files
    assert held.status == "held"
    assert "mass_delete" in held.reason
    assert "3 of the 10 keys" in held.reason
    assert (warehouse.settings.landing / "products_2025_01_02.json").exists()

    warehouse.drop_rows("products_2025_01_03.json", products(*STEADY[:9], "new"))
    statuses = {outcome.file_name: outcome.status for outcome in warehouse.load().files}
    assert statuses == {"products_2025_01_02.json": "held", "products_2025_01_03.json": "loaded"}
