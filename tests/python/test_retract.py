"""Taking files back: what counts is as if they had never come, and can be undone."""

from contextlib import closing

import pytest
from landing_zone import LandingZone, orders_csv

from orchestration.loader.load import connect
from orchestration.loader.retract import restore, retract

JAN_15, JAN_16 = "orders_2025_01_15.csv", "orders_2025_01_16.csv"


@pytest.fixture
def zone(tmp_path) -> LandingZone:
    return LandingZone(tmp_path)


def drop_and_load(zone: LandingZone, name: str, *orders: str) -> None:
    zone.drop(name, orders_csv(*orders))
    zone.load()


def take_back(zone: LandingZone, target: str) -> list[str]:
    with closing(connect(zone.settings)) as connection:
        names = [entry.file_name for entry in retract(connection, target, "wrong export")]
    zone.load()
    return names


def bring_back(zone: LandingZone, target: str) -> list[str]:
    with closing(connect(zone.settings)) as connection:
        names = [entry.file_name for entry in restore(connection, target, "was right")]
    zone.load()
    return names


def test_a_retracted_file_counts_no_more_and_stays_in_bronze(zone):
    drop_and_load(zone, JAN_15, "1")
    drop_and_load(zone, JAN_16, "2", "3")
    assert take_back(zone, JAN_16) == [JAN_16]
    assert zone.counting_orders() == ["1"]
    assert zone.query("select status, reason from bronze.files where file_name = ?", JAN_16) == [
        ("retracted", "wrong export")
    ]
    assert zone.query("select count(*) from bronze.orders") == [(3,)]


def test_restore_undoes_it(zone):
    drop_and_load(zone, JAN_15, "1")
    take_back(zone, JAN_15)
    assert bring_back(zone, JAN_15) == [JAN_15]
    assert zone.counting_orders() == ["1"]


def test_a_copy_is_read_when_it_is_restored_and_its_original_counts_no_more(zone):
    drop_and_load(zone, JAN_15, "1")
    drop_and_load(zone, JAN_16, "1")
    take_back(zone, JAN_16)
    take_back(zone, JAN_15)
    bring_back(zone, JAN_16)
    assert zone.counting_orders() == ["1"]


def test_of_two_that_were_taken_back_the_later_one_is_restored(zone):
    for order in ("1", "2"):
        drop_and_load(zone, JAN_15, order)
        take_back(zone, JAN_15)
    bring_back(zone, JAN_15)
    assert zone.counting_orders() == ["2"]


def test_a_batch_is_retracted_whole(zone):
    zone.drop(JAN_15, orders_csv("1"))
    zone.drop("orders_2025_01_15_eu.csv", orders_csv("2"))
    zone.drop(JAN_16, orders_csv("3"))
    zone.drop_trigger("trigger_2025_01_15.json", JAN_15, "orders_2025_01_15_eu.csv")
    zone.load()
    assert len(take_back(zone, "trigger_2025_01_15")) == 2
    assert zone.counting_orders() == ["3"]
    bring_back(zone, "trigger_2025_01_15")
    assert zone.counting_orders() == ["1", "2", "3"]


def test_what_a_correction_had_replaced_counts_again(zone):
    drop_and_load(zone, JAN_15, "1")
    drop_and_load(zone, JAN_15, "1", "2")
    take_back(zone, JAN_15)
    assert zone.counting_orders() == ["1"]
    bring_back(zone, JAN_15)
    assert zone.counting_orders() == ["1", "2"]
    assert [status for _, status in zone.ledger()] == ["superseded", "loaded"]


def test_a_batch_with_a_correction_is_retracted_to_the_ground(zone):
    drop_and_load(zone, JAN_15, "1")
    drop_and_load(zone, JAN_15, "2")
    take_back(zone, "2025-01-15")
    assert zone.counting_orders() == []
    bring_back(zone, "2025-01-15")
    assert zone.counting_orders() == ["2"]


def test_its_duplicate_stands_in_and_steps_back(zone):
    drop_and_load(zone, JAN_15, "1")
    drop_and_load(zone, "orders_2025_01_15_again.csv", "1")
    take_back(zone, JAN_15)
    assert zone.counting_orders() == ["1"]
    bring_back(zone, JAN_15)
    assert zone.counting_orders() == ["1"]
    take_back(zone, "orders_2025_01_15_again.csv")
    assert zone.counting_orders() == ["1"]
    take_back(zone, JAN_15)
    assert zone.counting_orders() == []


def test_a_correction_after_a_retraction_is_loaded(zone):
    drop_and_load(zone, JAN_15, "1")
    take_back(zone, JAN_15)
    drop_and_load(zone, JAN_15, "1")
    assert zone.counting_orders() == ["1"]


def test_a_name_that_nothing_has_is_refused_with_a_sentence(zone):
    with pytest.raises(LookupError, match=r"No file and no batch called 'x\.csv' is in effect"):
        take_back(zone, "x.csv")
    with pytest.raises(LookupError, match="is retracted"):
        bring_back(zone, "x.csv")


def drop_by_trigger(zone: LandingZone, trigger: str, *orders: str) -> str:
    """Load JAN_15 as a batch of a trigger; the batch_id."""
    zone.drop_trigger(f"{trigger}.json", JAN_15)
    drop_and_load(zone, JAN_15, *orders)
    return trigger


def statuses(zone: LandingZone) -> list[str]:
    return [status for _, status in zone.ledger()]


def test_restoring_a_batch_leaves_a_later_correction_in_its_place(zone):
    batch = drop_by_trigger(zone, "trigger_2025_01_15", "1")
    drop_and_load(zone, JAN_15, "2")
    before = zone.query("select file_id, status, superseded_by from bronze.files order by file_id")
    take_back(zone, batch)
    assert statuses(zone) == ["retracted", "loaded"]
    bring_back(zone, batch)
    assert zone.counting_orders() == ["2"]
    after = zone.query("select file_id, status, superseded_by from bronze.files order by file_id")
    assert after == before
    take_back(zone, JAN_15)
    assert zone.counting_orders() == ["1"], "what the correction had replaced counts again"


def test_restoring_a_batch_leaves_the_correction_of_its_correction_in_its_place(zone):
    first = drop_by_trigger(zone, "trigger_2025_01_15", "1")
    second = drop_by_trigger(zone, "trigger_2025_01_15_b", "2")
    drop_and_load(zone, JAN_15, "3")
    take_back(zone, first)
    take_back(zone, second)
    assert statuses(zone) == ["retracted", "retracted", "loaded"]
    bring_back(zone, first)
    assert statuses(zone) == ["superseded", "retracted", "loaded"]
    take_back(zone, JAN_15)
    assert zone.counting_orders() == ["1"]


def test_a_batch_of_two_versions_goes_back_behind_a_later_correction_in_its_order(zone):
    for order in ("1", "2"):
        drop_and_load(zone, JAN_15, order)
    drop_by_trigger(zone, "trigger_2025_01_15", "3")
    take_back(zone, "2025-01-15")
    bring_back(zone, "2025-01-15")
    assert statuses(zone) == ["superseded", "superseded", "loaded"]
    take_back(zone, "trigger_2025_01_15")
    assert zone.counting_orders() == ["2"]


def test_a_restored_batch_counts_when_its_correction_was_taken_back_as_well(zone):
    batch = drop_by_trigger(zone, "trigger_2025_01_15", "1")
    drop_and_load(zone, JAN_15, "2")
    take_back(zone, batch)
    take_back(zone, JAN_15)
    assert zone.counting_orders() == []
    bring_back(zone, batch)
    assert zone.counting_orders() == ["1"]
    bring_back(zone, JAN_15)
    assert zone.counting_orders() == ["2"]


def test_a_restored_file_is_the_correction_of_what_came_after_its_retraction(zone):
    drop_and_load(zone, JAN_15, "1")
    take_back(zone, JAN_15)
    drop_and_load(zone, JAN_15, "2")
    bring_back(zone, JAN_15)
    assert zone.counting_orders() == ["1"]
    assert statuses(zone) == ["loaded", "superseded"]
