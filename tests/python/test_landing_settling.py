"""When a file is taken: settling, and what is due without opening the warehouse."""

import os
import threading
import time
from unittest.mock import Mock

import pytest
from landing_zone import LandingZone, orders_csv

from orchestration.loader.landing import Note, Notes, pause_seconds, write_notes

ORDERS = "orders_2025_01_15.csv"
TRIGGER = "trigger_2025_01_15.json"


@pytest.fixture
def zone(tmp_path):
    return LandingZone(tmp_path, settle_seconds=60)


def test_a_file_is_taken_once_it_has_not_changed_for_the_settling_time(zone):
    zone.drop(ORDERS, orders_csv("1"), age=50)
    assert zone.due().sentence == "1 file is still being written."
    assert zone.status() == {ORDERS: "unsettled"}
    zone.drop(ORDERS, orders_csv("1"), age=61)
    assert zone.due().names == (ORDERS,)
    assert zone.status() == {ORDERS: "loaded"}
    assert zone.due().sentence == "Landing is empty."


def test_without_settling_time_a_file_is_taken_at_once(tmp_path):
    zone = LandingZone(tmp_path, settle_seconds=0)
    zone.drop(ORDERS, orders_csv("1"), age=-100)
    assert zone.status() == {ORDERS: "loaded"}


def test_a_time_in_the_future_is_settled_by_two_looks(tmp_path):
    zone = LandingZone(tmp_path, settle_seconds=1)
    zone.drop(ORDERS, orders_csv("1"), age=-1000)
    assert zone.due().names == (ORDERS,)
    assert zone.status() == {ORDERS: "unsettled"}
    assert zone.due().names == ()
    time.sleep(1.1)
    assert zone.due().names == (ORDERS,)
    assert zone.status() == {ORDERS: "loaded"}


def test_an_earlier_look_settles_no_file_that_has_grown_since(tmp_path):
    zone = LandingZone(tmp_path, settle_seconds=1)
    zone.drop(ORDERS, orders_csv("1"), age=-1000)
    assert zone.status() == {ORDERS: "unsettled"}
    time.sleep(1.1)
    zone.drop(ORDERS, orders_csv("1", "2"), age=-1000)
    assert zone.status() == {ORDERS: "unsettled"}
    time.sleep(1.1)
    assert zone.status() == {ORDERS: "loaded"}
    assert zone.counting_orders() == ["1", "2"]


def test_files_that_were_just_dropped_are_waited_for(tmp_path):
    zone = LandingZone(tmp_path, settle_seconds=0.5)
    zone.drop(ORDERS, orders_csv("1"), age=0)
    assert zone.status(wait=True) == {ORDERS: "loaded"}


def test_a_file_that_keeps_growing_is_left(tmp_path):
    zone = LandingZone(tmp_path, settle_seconds=1)
    stop = threading.Event()

    def write() -> None:
        with (zone.settings.landing / ORDERS).open("a") as file:
            while not stop.wait(0.02):
                file.write("1")
                file.flush()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while not (zone.settings.landing / ORDERS).exists():
            time.sleep(0.01)
        zone.drop("orders_2025_01_16.csv", orders_csv("2"))
        assert zone.status(wait=True) == {ORDERS: "unsettled", "orders_2025_01_16.csv": "loaded"}
    finally:
        stop.set()
        writer.join()


def test_a_trigger_says_that_files_older_than_itself_are_whole(zone):
    zone.drop(ORDERS, orders_csv("1"), age=10)
    zone.drop_trigger(TRIGGER, ORDERS, age=5)
    assert zone.status() == {ORDERS: "loaded"}


def test_a_file_newer_than_its_trigger_settles_first(zone):
    zone.drop_trigger(TRIGGER, {"name": ORDERS, "rows": 2}, age=10)
    zone.drop(ORDERS, orders_csv("1"), age=5)
    assert zone.status() == {ORDERS: "waiting"}
    assert zone.batches()["trigger_2025_01_15"] == ("waiting", f"Still being written: {ORDERS}.")
    zone.drop(ORDERS, orders_csv("1", "2"), age=70)
    assert zone.status() == {ORDERS: "loaded"}


def test_a_release_does_not_take_a_file_that_is_still_being_written(zone):
    zone.drop(ORDERS, orders_csv("1"), age=70)
    zone.drop_trigger(TRIGGER, {"name": ORDERS, "rows": 3}, age=10)
    assert zone.status() == {ORDERS: "rows_mismatch"}
    zone.release("trigger_2025_01_15")
    zone.drop(ORDERS, orders_csv("1", "2"), age=5)
    assert zone.status() == {ORDERS: "waiting"}
    zone.drop(ORDERS, orders_csv("1", "2"), age=70)
    assert zone.status() == {ORDERS: "loaded"}


def test_an_announced_hash_says_that_a_file_is_whole(zone):
    sha256 = zone.drop(ORDERS, orders_csv("1"), age=0)
    zone.drop_trigger(TRIGGER, {"name": ORDERS, "sha256": sha256}, age=5)
    zone.drop(ORDERS, orders_csv("1")[:-3], age=0)
    assert zone.status() == {ORDERS: "waiting"}
    zone.drop(ORDERS, orders_csv("1"), age=0)
    assert zone.status() == {ORDERS: "loaded"}


def test_half_a_trigger_is_left_until_it_has_settled(zone):
    zone.drop(TRIGGER, '{"expected_files": [', age=1)
    assert zone.status() == {TRIGGER: "unsettled"}
    zone.drop(TRIGGER, '{"expected_files": [', age=61)
    assert zone.status() == {TRIGGER: "bad_trigger"}


def test_what_waits_is_not_due_until_something_changes(zone):
    zone.drop(ORDERS, orders_csv("1"))
    zone.drop_trigger(TRIGGER, ORDERS, "orders_2025_01_16.csv")
    assert zone.due().names == (ORDERS, TRIGGER)
    zone.load()
    assert zone.due().sentence == "2 files wait for the rest of the batch or are held."
    zone.drop("orders_2025_01_16.csv", orders_csv("2"))
    assert zone.due().names == ("orders_2025_01_16.csv",)
    zone.load()
    assert zone.due().sentence == "Landing is empty."


def test_a_batch_waits_for_a_file_that_could_not_be_read(zone, monkeypatch):
    zone.drop(ORDERS, orders_csv("1"))
    zone.drop_trigger(TRIGGER, ORDERS)
    with monkeypatch.context() as patch:
        patch.setattr("orchestration.loader.units.store", Mock(side_effect=OSError("disk")))
        assert zone.status() == {ORDERS: "failed"}
    assert zone.batches()["trigger_2025_01_15"][0] == "waiting"
    assert zone.status() == {ORDERS: "loaded"}
    assert zone.batches()["trigger_2025_01_15"][0] == "loaded"


def test_without_notes_everything_is_due(zone):
    zone.drop(ORDERS, orders_csv("1"))
    zone.drop_trigger(TRIGGER, ORDERS, "orders_2025_01_16.csv")
    zone.load()
    notes = zone.settings.warehouse.with_name("landing.json")
    for content in (b"", b"[]", b'{"files": {"x": 1}, "late_at": null}', b"\xff"):
        notes.write_bytes(content)
        assert zone.due().names == (ORDERS, TRIGGER)
    notes.unlink()
    assert zone.due().names == (ORDERS, TRIGGER)


def test_what_is_due_needs_no_warehouse_and_no_landing(zone):
    zone.settings.landing.rmdir()
    assert "no folder" in zone.due().sentence
    assert not zone.settings.warehouse.exists()


def test_a_file_that_cannot_be_read_is_due_again_and_others_go_on(zone, monkeypatch):
    zone.drop(ORDERS, orders_csv("1"))
    zone.drop("orders_2025_01_16.csv", orders_csv("2"))
    real_open = os.open

    def broken_open(path, *arguments, **keywords):
        if str(path).endswith(ORDERS):
            raise PermissionError(13, "Permission denied", str(path))
        return real_open(path, *arguments, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", broken_open)
        assert zone.status() == {ORDERS: "failed", "orders_2025_01_16.csv": "loaded"}
    assert any("PermissionError" in line for line in zone.lines)
    assert zone.due().sentence.startswith(f"1 file could not be handled, the first is {ORDERS};")
    monkeypatch.setattr(time, "time", lambda clock=time.time: clock() + 61)
    assert zone.due().names == (ORDERS,)
    assert zone.status() == {ORDERS: "loaded"}


def test_a_clock_that_was_set_back_keeps_no_file_waiting(tmp_path, monkeypatch):
    zone = LandingZone(tmp_path, settle_seconds=1)
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda clock=time.time: clock() + 86_400)
        zone.drop(ORDERS, orders_csv("1"), age=0)
        assert zone.status() == {ORDERS: "unsettled"}
    assert zone.due().names == (ORDERS,)
    assert zone.status() == {ORDERS: "unsettled"}
    time.sleep(1.1)
    assert zone.status() == {ORDERS: "loaded"}


def test_after_a_clock_was_set_back_what_failed_is_due_at_once(zone):
    zone.drop(ORDERS, orders_csv("1"))
    path = zone.settings.landing / ORDERS
    state = (path.stat().st_size, path.stat().st_mtime_ns)
    for hours, is_due in ((24, True), (0, False)):
        seen_at = time.time() + hours * 3600
        zone.settings.warehouse.parent.mkdir(exist_ok=True)
        write_notes(zone.settings, Notes({ORDERS: Note(*state, seen_at, "failed", failures=1)}))
        assert zone.due().is_due is is_due


def test_a_file_that_fails_for_weeks_is_still_tried_every_hour(zone):
    assert [pause_seconds(zone.settings, failures) for failures in (1, 7, 5_000)] == [
        60,
        3600,
        3600,
    ]
