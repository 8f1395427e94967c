"""Duplicates, corrections and stand-ins, on real files through the real loader."""

import errno
import os

import pytest
from landing_zone import LandingZone, orders_csv


@pytest.fixture
def zone(tmp_path):
    return LandingZone(tmp_path)


def test_the_same_bytes_under_any_name_are_a_duplicate(zone):
    zone.drop("orders_2025_01_15.csv", orders_csv("1", "2"))
    assert zone.status() == {"orders_2025_01_15.csv": "loaded"}
    zone.drop("orders_2025_01_15.csv", orders_csv("1", "2"))
    zone.drop("orders_2025_01_16.csv", orders_csv("1", "2"))
    assert set(zone.status().values()) == {"duplicate"}
    assert zone.counting_orders() == ["1", "2"]
    assert zone.query("select duplicate_of from bronze.files where status = 'duplicate'") == [
        (1,),
        (1,),
    ]
    assert sorted(zone.tree()) == [
        "archive/orders/orders_2025_01_15.csv",
        "archive/orders/orders_2025_01_15.csv.2",
        "archive/orders/orders_2025_01_16.csv",
    ]


def test_a_correction_supersedes_and_keeps_both_files(zone):
    zone.drop("orders_2025_01_15.csv", orders_csv("1", "2"))
    zone.load()
    zone.drop("orders_2025_01_15.csv", orders_csv("1", "3"))
    (outcome,) = zone.load().files
    assert (outcome.status, outcome.superseded) == ("loaded", "orders_2025_01_15.csv")
    assert zone.counting_orders() == ["1", "3"]
    assert zone.query("select status, superseded_by from bronze.files order by file_id") == [
        ("superseded", 2),
        ("loaded", None),
    ]
    assert zone.tree()["archive/orders/orders_2025_01_15.csv"] == orders_csv("1", "2").encode()
    assert zone.tree()["archive/orders/orders_2025_01_15.csv.2"] == orders_csv("1", "3").encode()
    assert zone.query("select count(*) from bronze.orders") == [(4,)]


def test_bytes_of_a_superseded_file_load_like_new(zone):
    for orders in ("1", "2", "1"):
        zone.drop("orders_2025_01_15.csv", orders_csv(orders))
        assert zone.status() == {"orders_2025_01_15.csv": "loaded"}
    assert zone.counting_orders() == ["1"]
    assert [status for _, status in zone.ledger()] == ["superseded", "superseded", "loaded"]


def test_a_correction_loads_although_another_file_has_its_bytes(zone):
    zone.drop("orders_2025_01_15.csv", orders_csv("1"))
    zone.drop("orders_2025_01_16.csv", orders_csv("2"))
    zone.load()
    zone.drop("orders_2025_01_16.csv", orders_csv("1"))
    (outcome,) = zone.load().files
    assert (outcome.status, outcome.superseded) == ("loaded", "orders_2025_01_16.csv")
    assert zone.counting_orders() == ["1", "1"]


@pytest.mark.parametrize("extension", ["csv", "csv.gz"])
def test_a_duplicate_stands_in_for_a_superseded_original(zone, extension):
    import gzip

    pack = gzip.compress if extension.endswith("gz") else bytes
    original = pack(orders_csv("1", "2").encode())
    zone.drop(f"orders_2025_01_15.{extension}", original)
    zone.drop(f"orders_2025_01_16.{extension}", original)
    zone.drop(f"orders_2025_01_16_b.{extension}", original)
    zone.load()
    zone.drop(f"orders_2025_01_15.{extension}", pack(orders_csv("9").encode()))
    assert zone.status() == {
        f"orders_2025_01_15.{extension}": "loaded",
        f"orders_2025_01_16.{extension}": "loaded",
    }
    assert zone.counting_orders() == ["1", "2", "9"]
    assert zone.query(
        "select distinct _batch_date::varchar from bronze.orders where _file_id = 2"
    ) == [("2025-01-16",)]
    assert zone.query("select status, duplicate_of from bronze.files order by file_id") == [
        ("superseded", None),
        ("loaded", None),
        ("duplicate", 2),
        ("loaded", None),
    ]


def test_a_duplicate_stands_in_for_a_retracted_original_at_the_next_load(zone):
    zone.drop("orders_2025_01_15.csv", orders_csv("1"))
    zone.drop("orders_2025_01_16.csv", orders_csv("1"))
    zone.load()
    zone.query("update bronze.files set status = 'retracted' where file_id = 1")
    assert zone.status() == {"orders_2025_01_16.csv": "loaded"}
    assert zone.counting_orders() == ["1"]
    assert zone.load().files == ()


def test_a_corrected_duplicate_never_stands_in(zone):
    zone.drop("orders_2025_01_15.csv", orders_csv("1"))
    zone.drop("orders_2025_01_16.csv", orders_csv("1"))
    zone.load()
    zone.drop("orders_2025_01_16.csv", orders_csv("2"))
    assert zone.status() == {"orders_2025_01_16.csv": "loaded"}
    zone.drop("orders_2025_01_15.csv", orders_csv("3"))
    assert zone.status() == {"orders_2025_01_15.csv": "loaded"}
    assert zone.counting_orders() == ["2", "3"]


def test_a_redelivered_and_then_corrected_file_does_not_come_back(zone):
    for order in ("1", "1", "2"):
        zone.drop("orders_2025_01_15.csv", orders_csv(order))
        zone.load()
    assert zone.counting_orders() == ["2"]
    assert [status for _, status in zone.ledger()] == ["superseded", "superseded", "loaded"]


def test_a_refused_correction_leaves_the_earlier_file(zone):
    zone.drop("orders_2025_01_15.csv", orders_csv("1"))
    zone.load()
    zone.drop("orders_2025_01_15.csv", "")
    assert zone.status() == {"orders_2025_01_15.csv": "empty_file"}
    assert zone.counting_orders() == ["1"]


def test_discarded_bytes_are_judged_anew(zone):
    content = "order_id,customer_id,order_date\n1,C1,2025-01-15\n"
    zone.drop("orders_2025_01_15.csv", content)
    assert zone.status() == {"orders_2025_01_15.csv": "missing_columns"}
    zone.drop("orders_2025_01_15.csv", content)
    assert zone.status() == {"orders_2025_01_15.csv": "missing_columns"}
    assert len(zone.ledger()) == 2
    columns = [
        column if column.name != "order_status" else type(column)(column.name, column.type)
        for column in zone.contracts["orders"].columns
    ]
    zone.set_contract("orders", columns=tuple(columns))
    zone.drop("orders_2025_01_15.csv", content)
    assert zone.status() == {"orders_2025_01_15.csv": "loaded"}


def test_a_stand_in_and_a_correction_of_one_name_do_not_meet(zone):
    zone.drop("orders_2025_01_15.csv", orders_csv("1"))
    zone.drop("orders_2025_01_16.csv", orders_csv("1"))
    zone.load()
    zone.query("update bronze.files set status = 'retracted' where file_id = 1")
    (zone.settings.archive / "orders" / "orders_2025_01_15.csv").unlink()
    (zone.settings.archive / "orders" / "orders_2025_01_16.csv").unlink()
    (outcome,) = zone.load().files
    assert (outcome.status, "FileNotFoundError" in outcome.reason) == ("failed", True)
    zone.drop("orders_2025_01_16.csv", orders_csv("2"))
    assert [file.status for file in zone.load().files] == ["failed", "loaded"]
    assert zone.counting_orders() == ["2"]
    assert zone.load().files == ()


def test_a_stand_in_that_its_extension_makes_unreadable_is_discarded(zone):
    zone.drop("orders_2025_01_15.csv", orders_csv("1"))
    zone.drop("orders_2025_01_16.json", orders_csv("1"))
    zone.load()
    zone.drop("orders_2025_01_15.csv", orders_csv("2"))
    assert [(file.status, file.file_name) for file in zone.load().files] == [
        ("discarded", "orders_2025_01_16.json"),
        ("loaded", "orders_2025_01_15.csv"),
    ]
    assert zone.tree()["discarded/orders/orders_2025_01_16.json"] == orders_csv("1").encode()
    assert "archive/orders/orders_2025_01_16.json" not in zone.tree()
    assert zone.load().files == ()


@pytest.mark.parametrize("why_not", [errno.EPERM, errno.EXDEV])
def test_a_duplicate_of_which_no_link_may_be_made_stands_in(zone, monkeypatch, why_not):
    def refuse(*_, **__):
        raise OSError(why_not, os.strerror(why_not))

    zone.drop("orders_2025_01_15.csv", orders_csv("1"))
    zone.drop("orders_2025_01_16.csv", orders_csv("1"))
    zone.load()
    zone.query("update bronze.files set status = 'retracted' where file_id = 1")
    before = zone.tree()
    monkeypatch.setattr(os, "link", refuse)
    assert zone.status() == {"orders_2025_01_16.csv": "loaded"}
    assert zone.counting_orders() == ["1"]
    assert zone.tree() == before
    assert not list(zone.settings.spool.iterdir())
