"""One load as a whole: what is recorded, what fails alone, and what many files cost."""

import errno
import json
import os
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from landing_zone import LandingZone, orders_csv

from orchestration.loader import file_load
from orchestration.loader.load import connect, load_landing
from orchestration.settings import ConfigurationError

ORDERS = "orders_2025_01_15.csv"
NEXT = "orders_2025_01_16.csv"


@pytest.fixture
def zone(tmp_path):
    return LandingZone(tmp_path)


def test_a_loaded_file_is_on_record_whole(zone):
    content = orders_csv("1", "2").replace("total_amount", "surprise", 1) + "3,broken\n"
    sha256 = zone.drop(ORDERS, content)
    (outcome,) = zone.load().files
    assert (outcome.rows_read, outcome.rows_loaded, outcome.rows_rejected) == (3, 2, 1)
    ((drift, *entry),) = zone.query(
        "select drift, file_id, file_name, feed, batch_id, batch_date::varchar, sha256, size_bytes,"
        " status, reason, rows_read, rows_loaded, rows_rejected, duplicate_of, superseded_by,"
        " loaded_at::varchar from bronze.files"
    )
    assert entry == [
        1, ORDERS, "orders", "2025-01-15", "2025-01-15", sha256, len(content), "loaded", None,
        3, 2, 1, None, None, "2025-01-20 12:00:00",
    ]  # fmt: skip
    assert json.loads(drift)["extra"] == ["surprise"]
    assert "total_amount" in json.loads(drift)["missing"]
    assert zone.query(
        "select order_id, _rescued, _op, _file_id, _row_number, _batch_date::varchar"
        " from bronze.orders order by _row_number"
    ) == [
        ("1", '{"surprise":"10.00"}', None, 1, 1, "2025-01-15"),
        ("2", '{"surprise":"10.00"}', None, 1, 2, "2025-01-15"),
    ]
    assert zone.query("select file_id, line_number, raw from bronze.rejected_rows") == [
        (1, 4, "3,broken")
    ]


def test_nobody_else_may_enter_what_holds_personal_data(zone):
    zone.drop(ORDERS, orders_csv("1"))
    zone.drop("customers_2025_01_16.json", "")
    zone.load()
    settings = zone.settings
    for folder in (settings.archive, settings.discarded, settings.warehouse.parent):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_lost_or_damaged_warehouse_is_refused_until_its_files_came_again(zone):
    zone.drop(ORDERS, orders_csv("1"))
    zone.load()
    zone.drop(NEXT, orders_csv("2"))
    warehouse, archive = zone.settings.warehouse, zone.settings.archive
    spoiled = warehouse.read_bytes().replace(b"rejected_rows", b"rejected_rowz", 1)
    assert spoiled != warehouse.read_bytes()
    warehouse.unlink()
    for how, make in {
        "is gone": lambda: None,
        "is empty": lambda: duckdb.connect(warehouse).close(),
        "is damaged": lambda: os.truncate(warehouse, warehouse.stat().st_size // 2),
        "is damaged .*no": lambda: warehouse.write_bytes(b"no database"),
        "is damaged .*checksum": lambda: warehouse.write_bytes(spoiled),
    }.items():
        make()
        with pytest.raises(ConfigurationError, match=f"{how}.*readers keep.*from a backup"):
            zone.load()
        assert (zone.settings.landing / NEXT).exists()

    warehouse.unlink()
    archive.rename(archive.with_name("archive_lost"))
    (archive.with_name("archive_lost") / "orders" / ORDERS).rename(zone.settings.landing / ORDERS)
    assert zone.status() == {ORDERS: "loaded", NEXT: "loaded"}
    assert zone.status() == {}


def test_a_second_load_does_nothing(zone):
    zone.drop(ORDERS, orders_csv("1"))
    zone.load()
    before = zone.tree()
    report = zone.load()
    assert (report.files, report.batches) == ((), ())
    assert zone.tree() == before


def test_file_ids_grow_with_every_load(zone):
    for order in "123":
        zone.drop(ORDERS, orders_csv(order))
        zone.load()
    assert [row for (row,) in zone.query("select file_id from bronze.files")] == [1, 2, 3]


def test_rows_that_do_not_add_up_are_taken_back(zone, monkeypatch):
    zone.drop(ORDERS, orders_csv("1", "2"))
    zone.drop(NEXT, orders_csv("3"))
    real_read = file_load.read_delivery

    def read_one_row_too_few(run, delivery):
        real_read(run, delivery)
        if delivery.name.name == ORDERS:
            run.connection.execute(f"delete from {delivery.reading.table} where order_id = '1'")

    with monkeypatch.context() as patch:
        patch.setattr(file_load, "read_delivery", read_one_row_too_few)
        assert zone.status() == {ORDERS: "failed", NEXT: "loaded"}
    assert any("2 records were read, but 1 rows loaded" in line for line in zone.lines)
    assert zone.counting_orders() == ["3"]
    assert zone.ledger() == [(NEXT, "loaded")]
    assert zone.status() == {ORDERS: "loaded"}
    assert zone.counting_orders() == ["1", "2", "3"]


def test_an_error_of_the_database_is_not_the_files_fault(zone):
    zone.drop(ORDERS, orders_csv("1"))
    zone.drop("addresses_2025_01_15.csv", "address_id,customer_id\nA1,C1\n")
    zone.drop_trigger("trigger_2025_01_15.json", ORDERS, "addresses_2025_01_15.csv")
    with closing(connect(zone.settings)) as connection:
        connection.execute("alter table bronze.orders drop column total_amount")
        report = load_landing(connection, zone.settings, zone.contracts, now=lambda: zone.now)
    assert {file.feed: file.status for file in report.files} == {
        "orders": "failed",
        "addresses": "loaded",
    }
    assert report.batches[0].status == "waiting"
    assert zone.status() == {ORDERS: "loaded"}
    assert zone.batches()["trigger_2025_01_15"][0] == "loaded"


def test_a_file_written_to_while_it_is_read_is_due_again(zone, monkeypatch):
    zone.drop(ORDERS, orders_csv("1"))
    zone.drop_trigger("trigger_2025_01_15.json", {"name": ORDERS, "rows": 1})
    real_spool = file_load.read_file.__globals__["spool"]

    def spool_late(path, *arguments):
        if path.name == ORDERS:
            zone.drop(ORDERS, orders_csv("1", "2"))
        return real_spool(path, *arguments)

    with monkeypatch.context() as patch:
        patch.setitem(file_load.read_file.__globals__, "spool", spool_late)
        assert zone.status() == {ORDERS: "failed"}
    assert zone.ledger() == []
    assert zone.status() == {ORDERS: "rows_mismatch"}


def test_a_file_replaced_after_it_was_read_is_a_delivery_of_its_own(zone, monkeypatch):
    zone.drop(ORDERS, orders_csv("1"))
    real_insert = file_load._insert

    def insert_then_replace(run, entry, contract, reading):
        zone.drop(ORDERS, orders_csv("2"), age=100)
        return real_insert(run, entry, contract, reading)

    with monkeypatch.context() as patch:
        patch.setattr(file_load, "_insert", insert_then_replace)
        (outcome,) = zone.load().files
    assert outcome.status == "loaded" and "still lies in landing" in outcome.reason
    assert zone.tree() == {f"landing/{ORDERS}": orders_csv("2").encode()}
    assert zone.status() == {ORDERS: "loaded"}
    assert zone.counting_orders() == ["2"]


def test_a_move_that_fails_is_made_good(zone, monkeypatch):
    zone.drop(ORDERS, orders_csv("1"))
    zone.drop(NEXT, "")

    def refuse(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", refuse)
        assert zone.status() == {ORDERS: "loaded", NEXT: "empty_file"}
    assert f"landing/{ORDERS}" in zone.tree() and f"landing/{NEXT}" in zone.tree()
    zone.load()
    assert len(zone.ledger()) == 2
    assert zone.counting_orders() == ["1"]
    assert set(zone.tree()) == {
        f"archive/orders/{ORDERS}",
        f"discarded/orders/{NEXT}",
        f"discarded/orders/{NEXT}.reason.json",
    }


def test_landing_on_another_file_system_is_copied_whole(zone, monkeypatch):
    zone.drop(ORDERS, orders_csv("1"))

    real_rename = os.rename

    def refuse_from_landing(source, target):
        if zone.settings.landing in source.parents:
            raise OSError(18, "Invalid cross-device link")
        real_rename(source, target)

    monkeypatch.setattr(os, "rename", refuse_from_landing)
    zone.load()
    assert zone.tree() == {f"archive/orders/{ORDERS}": orders_csv("1").encode()}


def test_what_a_read_only_landing_keeps_is_in_the_archive_once_it_is_gone(zone, monkeypatch):
    zone.drop(ORDERS, orders_csv("1"))
    real_rename, real_unlink = os.rename, os.unlink

    def refuse_from_landing(source, target):
        if zone.settings.landing in source.parents:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real_rename(source, target)

    def refuse_in_landing(path, **options):
        if zone.settings.landing in Path(path).parents:
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        real_unlink(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", refuse_from_landing)
        patch.setattr(os, "unlink", refuse_in_landing)
        for _ in range(3):
            zone.load()
            assert zone.tree() == {f"landing/{ORDERS}": orders_csv("1").encode()}
    zone.load()
    assert zone.tree() == {f"archive/orders/{ORDERS}": orders_csv("1").encode()}
    assert len(zone.ledger()) == 1
    assert zone.counting_orders() == ["1"]


def test_scratch_copies_of_a_killed_load_are_removed(zone):
    zone.settings.spool.mkdir(parents=True)
    (zone.settings.spool / "left.txt").write_text("x")
    zone.load()
    assert list(zone.settings.spool.iterdir()) == []


def test_many_small_files_cost_little_each(zone):
    files = 120
    for number in range(files):
        zone.drop(f"orders_2025_01_15_{number}.csv", orders_csv(str(number)))
    started = time.process_time()
    report = zone.load()
    assert [file.status for file in report.files] == ["loaded"] * files
    assert time.process_time() - started < 0.1 * files
    assert len(zone.counting_orders()) == files


def test_a_new_column_of_a_contract_is_loaded_into_an_old_table(zone):
    zone.drop(ORDERS, orders_csv("1"))
    zone.load()
    contract = zone.contracts["orders"]
    column = replace(contract.columns[-1], name="gift_note", required=False, aliases=())
    zone.set_contract("orders", columns=(*contract.columns, column))
    zone.query("alter table bronze.orders add column gift_note varchar")
    zone.drop(
        NEXT, "order_id,customer_id,order_date,order_status,gift_note\n2,C,2025-01-16,new,hi\n"
    )
    zone.load()
    assert zone.query("select order_id, gift_note from bronze.orders order by all") == [
        ("1", None),
        ("2", "hi"),
    ]
