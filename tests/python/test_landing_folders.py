"""Folders: what is taken from landing, where it goes, and that nothing leads outside."""

import io
import json
import os

import pytest
from landing_zone import LandingZone, orders_csv

from orchestration.cli import _console
from orchestration.summary import print_status


@pytest.fixture
def zone(tmp_path):
    return LandingZone(tmp_path / "data")


@pytest.mark.parametrize(
    ("name", "code", "folder"),
    [
        ("returns_2025_01_15.csv", "unknown_feed", "_unknown"),
        ("orders.csv", "no_batch_date", "orders"),
        ("orders_2025_02_30.csv", "no_batch_date", "orders"),
        ("orders_2025_01_15.xlsx", "unknown_format", "orders"),
        ("orders_2025_01_22.csv", "batch_date_in_future", "orders"),
    ],
)
def test_a_file_of_a_bad_name_is_discarded_with_its_reason(zone, name, code, folder):
    sha256 = zone.drop(name, orders_csv("1"))
    (outcome,) = zone.load().files
    assert (outcome.status, outcome.code, outcome.rows_read) == ("discarded", code, 0)
    assert set(zone.tree()) == {
        f"discarded/{folder}/{name}",
        f"discarded/{folder}/{name}.reason.json",
    }
    assert zone.tree()[f"discarded/{folder}/{name}"] == orders_csv("1").encode()
    reason = zone.reason(f"{folder}/{name}")
    assert (reason["file"], reason["sha256"], reason["reason"]) == (name, sha256, code)
    assert reason["message"] == outcome.reason and reason["discarded_at"].startswith("2025-01-20T")
    assert zone.query("select status, reason, sha256 from bronze.files") == [
        ("discarded", code, sha256)
    ]


def test_the_day_after_today_is_no_future(zone):
    zone.drop("orders_2025_01_21.csv", orders_csv("1"))
    assert zone.status() == {"orders_2025_01_21.csv": "loaded"}


def test_a_feed_has_aliases_in_file_names(zone):
    zone.set_contract("orders", aliases=("sales",))
    zone.drop("sales_2025_01_15.csv", orders_csv("1"))
    (outcome,) = zone.load().files
    assert (outcome.status, outcome.feed) == ("loaded", "orders")
    assert set(zone.tree()) == {"archive/orders/sales_2025_01_15.csv"}


def test_a_second_discarded_file_of_one_name_gets_a_suffix(zone):
    for content in ("", " "):
        zone.drop("orders_2025_01_15.csv", content)
        zone.load()
    tree = zone.tree()
    assert tree["discarded/orders/orders_2025_01_15.csv"] == b""
    assert tree["discarded/orders/orders_2025_01_15.csv.2"] == b" "
    assert zone.reason("orders/orders_2025_01_15.csv.2")["reason"] == "empty_file"


def test_a_delivered_file_never_takes_the_place_of_a_reason(zone):
    note = "orders_2025_01_15.csv.reason.json"
    zone.drop(note, '{"sha256": "mine"}')
    zone.load()
    zone.drop("orders_2025_01_15.csv", "")
    zone.load()
    tree = zone.tree()
    assert tree[f"discarded/orders/{note}"] == b'{"sha256": "mine"}'
    assert tree["discarded/orders/orders_2025_01_15.csv.2"] == b""


def test_unfinished_files_links_folders_and_pipes_stay(zone, tmp_path):
    outside = tmp_path / "outside.csv"
    outside.write_text(orders_csv("secret"))
    landing = zone.settings.landing
    for name in (".orders_2025_01_15.csv", "_orders_2025_01_15.csv", "orders_2025_01_15.csv.tmp"):
        zone.drop(name, orders_csv("1"))
    (landing / "orders_2025_01_15.csv").symlink_to(outside)
    (landing / "trigger_2025_01_15.json").symlink_to(outside)
    (landing / "orders_2025_01_16.csv").mkdir()
    (landing / "orders_2025_01_16.csv" / "orders_2025_01_16.csv").write_text(orders_csv("1"))
    os.mkfifo(landing / "orders_2025_01_17.csv")
    before = sorted(landing.rglob("*"))
    assert zone.load().files == ()
    assert sorted(landing.rglob("*")) == before
    assert zone.query("select count(*) from bronze.files") == [(0,)]
    assert zone.due().names == ()
    assert zone.lines == [
        "orders_2025_01_15.csv in landing is a link, not read; drop the file itself.",
        "orders_2025_01_16.csv in landing is a folder, not read; drop the files in it.",
        "orders_2025_01_17.csv in landing is no regular file, not read; drop the file itself.",
        "trigger_2025_01_15.json in landing is a link, not read; drop the file itself.",
    ]
    printed = io.StringIO()
    print_status(_console(printed), zone.settings)
    assert all(line in printed.getvalue() for line in zone.lines)


HOSTILE = [
    "orders_2025_01_15_\n'; drop table bronze.files; --.csv",
    'orders_2025_01_15_".csv',
    "orders_2025_01_15_..\\..\\x.csv",
    "orders_2025_01_15_\x1b[2J.csv",
    "orders_2025_01_15_" + "x" * 233 + ".csv",
    "orders_2025_01_15_%s{0}$(id).csv",
    "..orders\r\n_2025_01_15.txt".lstrip("."),
    "x" * 255,
    "orders_" + "é" * 120,
    os.fsdecode(b"orders_2025_01_15_\xff\xfe.csv"),
    os.fsdecode(b"\xff\xfe"),
]


@pytest.mark.parametrize("delivery", [orders_csv("1"), ""], ids=["good", "empty"])
def test_hostile_names_stay_inside_and_break_nothing(zone, tmp_path, delivery):
    for number, name in enumerate(HOSTILE):
        zone.drop(name, delivery.replace("1,", f"{number},", 1))
    report = zone.load()
    assert len(report.files) == len(HOSTILE)
    assert {file.status for file in report.files} <= {"loaded", "discarded", "duplicate"}
    assert not list(zone.settings.landing.iterdir())
    kept = [
        path
        for folder in (zone.settings.archive, zone.settings.discarded)
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(".reason.json")
    ]
    assert sorted(path.name for path in kept) == sorted(HOSTILE)
    assert {path.name for path in tmp_path.iterdir()} == {"data"}
    assert zone.query("select count(*) from bronze.files") == [(len(HOSTILE),)]
    assert all(line.isprintable() for line in zone.lines)
    for path in zone.settings.discarded.rglob("*.reason.json"):
        assert json.loads(path.read_text())["reason"]
    for file in report.files:
        f"{file.file_name} {file.reason}".encode()


def test_bytes_are_kept_as_delivered(zone):
    data = b"\xff\xfe\x00broken \x00 bytes"
    zone.drop("orders_2025_01_15.csv.gz", data)
    assert zone.status() == {"orders_2025_01_15.csv.gz": "bad_gzip"}
    assert zone.tree()["discarded/orders/orders_2025_01_15.csv.gz"] == data
