"""The grammar of file names."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.contracts import Column, Contract, feed_names
from orchestration.loader.file_names import is_unfinished, read_name, shown, text_of

TODAY = date(2025, 1, 20)


def contract(feed: str, *aliases: str) -> Contract:
    column = Column("id", "text", required=True)
    return Contract(feed, "", (column,), "csv", ("id",), aliases=aliases)


FEEDS = feed_names(
    {
        one.feed: one
        for one in (
            contract("order"),
            contract("orders", "bestellungen", "sales_orders"),
            contract("order_items"),
        )
    }
)


@pytest.mark.parametrize(
    ("name", "feed", "day", "file_format"),
    [
        ("orders_2025_01_15.csv", "orders", date(2025, 1, 15), "csv"),
        ("orders_2025_01_15_eu.csv.gz", "orders", date(2025, 1, 15), "csv"),
        ("order_2025_01_15.csv", "order", date(2025, 1, 15), "csv"),
        ("order_items_2025_01_15.json", "order_items", date(2025, 1, 15), "json"),
        ("order_items_2025_01_15_a.b.ndjson", "order_items", date(2025, 1, 15), "json"),
        ("orders_2025_01_15.jsonl.gz", "orders", date(2025, 1, 15), "json"),
        ("bestellungen_2025_01_15.csv", "orders", date(2025, 1, 15), "csv"),
        ("Sales_Orders_2025_01_15.CSV", "orders", date(2025, 1, 15), "csv"),
        ("orders_2025_01_15_2026_12_31.csv", "orders", date(2025, 1, 15), "csv"),
        ("orders_2025_01_15_part\n2.csv", "orders", date(2025, 1, 15), "csv"),
        ("orders_2025_01_21.csv", "orders", date(2025, 1, 21), "csv"),
    ],
)
def test_a_good_name_says_feed_day_and_format(name, feed, day, file_format):
    read = read_name(name, FEEDS, TODAY)
    assert read.refusal is None
    assert (read.feed, read.batch_date, read.file_format) == (feed, day, file_format)


@pytest.mark.parametrize(
    ("name", "code", "folder"),
    [
        ("returns_2025_01_15.csv", "unknown_feed", "_unknown"),
        ("orders_eu_2025_01_15.csv", "unknown_feed", "_unknown"),
        ("ordersx.csv", "unknown_feed", "_unknown"),
        ("README.md", "unknown_feed", "_unknown"),
        ("orders.csv", "no_batch_date", "orders"),
        ("orders-2025-01-15.csv", "no_batch_date", "orders"),
        ("orders_2025_1_15.csv", "no_batch_date", "orders"),
        ("orders_2025_01_155.csv", "no_batch_date", "orders"),
        ("orders_2025_02_30.csv", "no_batch_date", "orders"),
        ("orders_0000_01_01.csv", "no_batch_date", "orders"),
        ("orders_\uff12\uff10\uff12\uff15_01_15.csv", "no_batch_date", "orders"),
        ("order_items.json", "no_batch_date", "order_items"),
        ("order_items_2025_13_01.json", "no_batch_date", "order_items"),
        ("orders_2025_01_15.xlsx", "unknown_format", "orders"),
        ("orders_2025_01_15", "unknown_format", "orders"),
        ("orders_2025_01_15.csv.zip", "unknown_format", "orders"),
        ("orders_2025_01_15.gz", "unknown_format", "orders"),
        ("orders_2025_01_22.csv", "batch_date_in_future", "orders"),
        ("orders_2205_01_15.csv", "batch_date_in_future", "orders"),
        ("trigger_2025_01_15.csv", "unknown_format", "trigger"),
        ("trigger_2025_01_15.json.gz", "unknown_format", "trigger"),
        ("trigger_2025_02_30.json", "no_batch_date", "trigger"),
        ("trigger.json", "no_batch_date", "trigger"),
    ],
)
def test_a_bad_name_is_refused_with_its_code(name, code, folder):
    read = read_name(name, FEEDS, TODAY)
    assert read.refusal is not None
    assert (read.refusal.code, read.folder) == (code, folder)


def test_a_trigger_is_a_batch_named_by_its_stem():
    read = read_name("trigger_2099_01_16_eu.json", FEEDS, TODAY)
    assert read.is_trigger and read.refusal is None
    assert read.batch_id == "trigger_2099_01_16_eu"
    assert read_name("trigger_2025_01_16.csv", FEEDS, TODAY).batch_id == "trigger_2025_01_16"
    assert read_name("trigger_2025_01_16", FEEDS, TODAY).batch_id == "trigger_2025_01_16"
    assert read_name("orders_2025_01_15_eu.csv", FEEDS, TODAY).batch_id == "2025-01-15"


@pytest.mark.parametrize(
    "name", [".orders_2025_01_15.csv", "_orders_2025_01_15.csv", "a.tmp", "a.PART", "a.crdownload"]
)
def test_unfinished_names(name):
    assert is_unfinished(name)
    assert not is_unfinished("orders_2025_01_15_tmp.csv")


@given(st.text(st.characters(codec=None), max_size=300))
def test_any_name_is_read_and_can_be_written_down(name):
    name = name.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
    read = read_name(name, FEEDS, TODAY)
    read.name.encode("utf-8")
    assert read.refusal is not None or read.feed is not None
    assert read.folder in {"_unknown", "trigger", "order", "orders", "order_items"}
    assert shown(name).isprintable()
    assert text_of(text_of(name)) == text_of(name)
