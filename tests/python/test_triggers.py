"""Triggers: what is read of one, and what becomes of a batch, through the real loader."""

import gzip
import json
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from landing_zone import LandingZone, orders_csv

from orchestration.loader.batches import Batch, Batches
from orchestration.loader.file_names import read_name
from orchestration.loader.refusal import Refused
from orchestration.loader.triggers import figure_differences, read_trigger

TRIGGER = "trigger_2025_01_16.json"
ORDERS = "orders_2025_01_16.csv"
MORE = "orders_2025_01_16_more.csv"


def read(data: bytes):
    return read_trigger(data, read_name(TRIGGER, {}, date(2025, 1, 20)), "0" * 64)


@pytest.fixture
def zone(tmp_path):
    return LandingZone(tmp_path)


def test_both_forms_of_expected_files_are_read():
    trigger = read(
        b'\xef\xbb\xbf{"trigger_id": 7, "batch_date": "2025-01-15", "source": {"x": [1]},'
        b' "expected_files": ["a.csv", {"name": "b.json", "rows": "12", "sha256": " AB ",'
        b' "totals": {"amount": 98765.430, "tax": "1e2"}}]}'
    )
    first, second = trigger.expected
    assert (first.name, first.rows, first.sha256, first.needs_reading) == (
        "a.csv",
        None,
        None,
        False,
    )
    assert (second.rows, second.sha256) == (12, "ab")
    assert second.totals == {"amount": Decimal("98765.43"), "tax": Decimal(100)}
    assert (trigger.trigger_id, trigger.batch_date) == ("7", date(2025, 1, 15))
    assert '"source"' in trigger.text


BAD_TRIGGERS = {
    "empty": b"",
    "no JSON": b"expected_files: [a.csv]",
    "no UTF-8": b'{"expected_files": ["\xff\xfe"]}',
    "half a character": b'{"expected_files": ["a\\ud800.csv"]}',
    "no object": b'["a.csv"]',
    "null": b"null",
    "no expected_files": b'{"trigger_id": "x"}',
    "empty list": b'{"expected_files": []}',
    "no list": b'{"expected_files": "a.csv"}',
    "number as file": b'{"expected_files": [1]}',
    "file without name": b'{"expected_files": [{"rows": 1}]}',
    "rows as list": b'{"expected_files": [{"name": "a", "rows": [1]}]}',
    "half a row": b'{"expected_files": [{"name": "a", "rows": 1.5}]}',
    "minus one row": b'{"expected_files": [{"name": "a", "rows": -1}]}',
    "true rows": b'{"expected_files": [{"name": "a", "rows": true}]}',
    "sha256 as number": b'{"expected_files": [{"name": "a", "sha256": 1}]}',
    "totals as list": b'{"expected_files": [{"name": "a", "totals": [1]}]}',
    "total as word": b'{"expected_files": [{"name": "a", "totals": {"b": "many"}}]}',
    "total that is none": b'{"expected_files": [{"name": "a", "totals": {"b": "NaN"}}]}',
    "endless total": b'{"expected_files": [{"name": "a", "totals": {"b": 1e999999999}}]}',
    "infinite total": b'{"expected_files": [{"name": "a", "totals": {"b": Infinity}}]}',
    "huge integer": b'{"expected_files": [{"name": "a", "rows": ' + b"9" * 5000 + b"}]}",
    "huge exponent": b'{"x": 1e99999999999999999999999, "expected_files": ["a"]}',
    "ready as word": b'{"data_files_ready": "soon", "expected_files": ["a"]}',
    "key twice": b'{"expected_files": ["a"], "expected_files": ["b"]}',
    "deep": b'{"expected_files": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "cut off": b'{"expected_files": ["a.csv"',
}


@pytest.mark.parametrize("data", BAD_TRIGGERS.values(), ids=BAD_TRIGGERS)
def test_a_trigger_that_is_of_no_use_is_refused(data):
    with pytest.raises(Refused, match="bad_trigger"):
        read(data)


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["expected_files", "name", "rows", "sha256", "totals"]), inner
            )
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_content_makes_a_trigger_raise_anything_else(data):
    try:
        trigger = read(data)
    except Refused as refusal:
        assert refusal.code == "bad_trigger"
    else:
        assert trigger.expected


def test_figures_are_compared_by_value():
    (entry,) = read(
        b'{"expected_files": [{"name": "a", "rows": 2, "totals": {"amount": "125.0", "no": 1}}]}'
    ).expected
    sums = {"amount": Decimal("125.00")}
    assert [hold.code for hold in figure_differences(entry, 2, sums.get)] == ["totals_mismatch"]
    rows, amount, unknown = figure_differences(entry, 5, {"amount": Decimal("124.99")}.get)
    assert "5 rows, the trigger says 2 (+3)" in rows.sentence
    assert "124.99, the trigger says 125.0 (-0.01)" in amount.sentence
    assert '"no", which is no column' in unknown.sentence


def test_a_batch_waits_for_all_its_files_then_loads(zone):
    zone.drop(ORDERS, orders_csv("1"))
    zone.drop_trigger(TRIGGER, ORDERS, {"name": MORE, "rows": 1})
    assert zone.status() == {ORDERS: "waiting"}
    assert zone.batches() == {"trigger_2025_01_16": ("waiting", f"It waits for {MORE}.")}
    assert set(zone.tree()) == {f"landing/{ORDERS}", f"landing/{TRIGGER}"}
    zone.drop(MORE, orders_csv("2"))
    assert zone.status() == {ORDERS: "loaded", MORE: "loaded"}
    assert zone.batches() == {"trigger_2025_01_16": ("loaded", None)}
    assert zone.query("select distinct batch_id from bronze.files") == [("trigger_2025_01_16",)]
    assert f"archive/trigger/{TRIGGER}" in zone.tree()


def test_a_batch_is_late_after_the_timeout_and_still_loads(zone):
    zone.drop_trigger(TRIGGER, ORDERS)
    assert [batch.status for batch in zone.load().batches] == ["waiting"]
    zone.now += timedelta(minutes=119)
    assert [batch.status for batch in zone.load().batches] == ["waiting"]
    assert zone.due().names == ()
    zone.now += timedelta(minutes=1)
    assert zone.due().names == (TRIGGER,)
    assert [batch.status for batch in zone.load().batches] == ["late"]
    assert zone.due().names == ()
    zone.drop(ORDERS, orders_csv("1"))
    assert zone.status() == {ORDERS: "loaded"}
    assert zone.batches()["trigger_2025_01_16"][0] == "loaded"


def test_data_files_not_ready_wait(zone):
    zone.drop(ORDERS, orders_csv("1"))
    zone.drop_trigger(TRIGGER, ORDERS, data_files_ready=False)
    assert zone.status() == {ORDERS: "waiting"}
    zone.drop_trigger(TRIGGER, ORDERS, data_files_ready=True)
    assert zone.status() == {ORDERS: "loaded"}


@pytest.mark.parametrize(
    ("figures", "code", "words"),
    [
        ({"rows": 3}, "rows_mismatch", f"{ORDERS} has 2 rows, the trigger says 3 (-1)"),
        ({"sha256": "ab"}, "sha256_mismatch", 'the trigger says "ab"'),
        ({"totals": {"total_amount": "20.01"}}, "totals_mismatch", "(-0.01)"),
        ({"totals": {"turnover": 1}}, "totals_mismatch", "no column"),
    ],
)
def test_a_mismatch_holds_the_whole_batch_until_it_is_corrected(zone, figures, code, words):
    zone.drop(ORDERS, orders_csv("1", "2"))
    zone.drop(MORE, orders_csv("3"))
    zone.drop_trigger(TRIGGER, {"name": ORDERS, **figures}, MORE)
    assert zone.status() == {ORDERS: code, MORE: code}
    status, reason = zone.batches()["trigger_2025_01_16"]
    assert (status, reason.split(":")[0]) == ("held", code)
    assert words in reason
    assert zone.query("select count(*) from bronze.orders, bronze.files") == [(0,)]
    assert len([line for line in zone.lines if words in line]) == 1
    zone.load()
    assert len([line for line in zone.lines if words in line]) == 1, "an alert is not repeated"
    zone.drop_trigger(TRIGGER, {"name": ORDERS, "rows": 2, "totals": {"total_amount": 20}}, MORE)
    assert zone.status() == {ORDERS: "loaded", MORE: "loaded"}


def test_rejected_rows_are_counted_and_gzip_is_hashed_as_delivered(zone):
    name = f"{ORDERS}.gz"
    content = orders_csv("1", "2") + "3,C1\n"
    sha256 = zone.drop(name, gzip.compress(content.encode()))
    figures = {"rows": 3, "sha256": sha256.upper(), "totals": {"TOTAL_AMOUNT ": "20"}}
    zone.drop_trigger(TRIGGER, {"name": name, **figures})
    assert zone.status() == {name: "loaded"}


def test_the_right_file_ends_a_hold(zone):
    zone.drop(ORDERS, orders_csv("1"))
    zone.drop_trigger(TRIGGER, {"name": ORDERS, "rows": 2})
    assert zone.status() == {ORDERS: "rows_mismatch"}
    zone.drop(ORDERS, orders_csv("1", "2"))
    assert zone.status() == {ORDERS: "loaded"}


def test_a_batch_waits_since_its_first_trigger(zone):
    for minutes, status in ((0, "waiting"), (100, "waiting"), (30, "late")):
        zone.now += timedelta(minutes=minutes)
        zone.drop_trigger(TRIGGER, ORDERS, trigger_id=f"after {minutes}")
        zone.load()
        assert zone.batches()["trigger_2025_01_16"][0] == status


def test_release_ends_a_hold_once(zone):
    zone.drop(ORDERS, orders_csv("1"))
    zone.drop_trigger(TRIGGER, {"name": ORDERS, "rows": 2})
    zone.load()
    assert zone.due().names == ()
    with pytest.raises(LookupError, match="held are: trigger_2025_01_16"):
        zone.release("trigger_2025_01_17")
    assert "rows_mismatch" in zone.release("trigger_2025_01_16", "one order was test data")
    assert zone.due().is_due
    assert zone.status() == {ORDERS: "loaded"}
    assert not zone.due().is_due
    assert zone.batches()["trigger_2025_01_16"] == (
        "loaded",
        "Released: one order was test data.",
    )
    zone.drop_trigger(TRIGGER, {"name": MORE, "rows": 7})
    zone.drop(MORE, orders_csv("5"))
    assert zone.status() == {MORE: "rows_mismatch"}


def test_a_release_is_used_up_with_its_batch_or_not_at_all(zone, monkeypatch):
    zone.drop(ORDERS, orders_csv("1"))
    zone.drop_trigger(TRIGGER, {"name": ORDERS, "rows": 2})
    zone.load()
    zone.release("trigger_2025_01_16", "one order was test data")

    def put(self: Batches, batch: Batch) -> None:
        assert batch.status != "loaded", "killed"

    with monkeypatch.context() as killed:
        killed.setattr(Batches, "put", put)
        with pytest.raises(AssertionError, match="killed"):
            zone.load()
    assert zone.counting_orders() == ["1"]
    assert zone.status() == {}
    assert zone.batches()["trigger_2025_01_16"] == (
        "loaded",
        "Released: one order was test data.",
    )


def test_a_replaced_trigger_ends_a_release(zone):
    zone.drop(ORDERS, orders_csv("1"))
    zone.drop_trigger(TRIGGER, {"name": ORDERS, "rows": 2}, MORE)
    zone.drop(MORE, orders_csv("2"))
    zone.load()
    zone.release("trigger_2025_01_16")
    zone.drop_trigger(TRIGGER, {"name": ORDERS, "rows": 3}, MORE)
    assert set(zone.status().values()) == {"rows_mismatch"}


def test_a_refused_file_does_not_stop_the_others(zone):
    zone.drop(ORDERS, "")
    zone.drop(MORE, orders_csv("2"))
    figures = {"rows": 5, "totals": {"total_amount": 9}}
    zone.drop_trigger(TRIGGER, {"name": ORDERS, **figures}, MORE)
    assert zone.status() == {ORDERS: "empty_file", MORE: "loaded"}
    assert zone.batches()["trigger_2025_01_16"] == ("loaded", f"{ORDERS} was refused (empty_file).")


def test_the_hash_of_a_refused_file_is_compared_first(zone):
    zone.drop(ORDERS, "")
    zone.drop_trigger(TRIGGER, {"name": ORDERS, "sha256": "ab"})
    assert zone.status() == {ORDERS: "sha256_mismatch"}
    assert f"landing/{ORDERS}" in zone.tree()


def test_a_file_refused_before_its_trigger_came_does_not_stop_the_others(zone):
    zone.drop(ORDERS, "")
    zone.load()
    zone.drop(MORE, orders_csv("2"))
    zone.drop_trigger(TRIGGER, ORDERS, MORE)
    assert zone.status() == {MORE: "loaded"}
    assert zone.batches()["trigger_2025_01_16"][0] == "loaded"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("returns_2025_01_16.csv", "unknown_feed"),
        ("trigger_2025_01_17.json", "unknown_feed"),
        ("../orders_2025_01_16.csv", "bad_file_name"),
        ("/etc/passwd", "bad_file_name"),
        ("", "bad_file_name"),
        ("..", "bad_file_name"),
        ("a\u0000b", "bad_file_name"),
        ("orders_2025_01_16.csv.tmp", "bad_file_name"),
        ("orders_2025_01_16_" + "x" * 250 + ".csv", "bad_file_name"),
    ],
)
def test_a_name_that_can_never_arrive_holds_the_batch(zone, name, code):
    zone.drop(ORDERS, orders_csv("1"))
    zone.drop_trigger(TRIGGER, name, ORDERS)
    assert zone.status() == {ORDERS: code}
    zone.release("trigger_2025_01_16")
    assert zone.status() == {ORDERS: "loaded"}


def test_two_triggers_that_name_one_file_both_hold_it_back(zone):
    for name, order in ((ORDERS, "1"), (MORE, "2"), ("orders_2025_01_16_x.csv", "3")):
        zone.drop(name, orders_csv(order))
    zone.drop_trigger(TRIGGER, ORDERS, {"name": MORE, "rows": 1})
    zone.drop_trigger(
        "trigger_2025_01_16_b.json", MORE, {"name": "orders_2025_01_16_x.csv", "rows": 9}
    )
    assert zone.status() == {
        ORDERS: "loaded",
        MORE: "rows_mismatch",
        "orders_2025_01_16_x.csv": "rows_mismatch",
    }
    assert {batch: status for batch, (status, _) in zone.batches().items()} == {
        "trigger_2025_01_16": "held",
        "trigger_2025_01_16_b": "held",
    }
    zone.release("trigger_2025_01_16_b")
    assert zone.status() == {MORE: "loaded", "orders_2025_01_16_x.csv": "loaded"}
    assert {status for status, _ in zone.batches().values()} == {"loaded"}


def test_a_trigger_again_is_a_duplicate_and_a_changed_one_is_checked(zone):
    zone.drop(ORDERS, orders_csv("1", "2"))
    zone.drop_trigger(TRIGGER, ORDERS)
    zone.load()
    zone.drop_trigger(TRIGGER, ORDERS)
    assert zone.status() == {TRIGGER: "duplicate"}
    zone.drop_trigger(TRIGGER, {"name": ORDERS, "rows": 2, "totals": {"total_amount": "20"}})
    assert [batch.status for batch in zone.load().batches] == ["loaded"]
    zone.drop_trigger(TRIGGER, {"name": ORDERS, "rows": 3})
    (batch,) = zone.load().batches
    assert batch.status == "held"
    assert batch.reason.startswith("mismatch_after_load: ")
    assert f'python -m orchestration retract {ORDERS} --why "…"' in batch.reason
    assert len([path for path in zone.tree() if path.startswith("archive/trigger/")]) == 3


@pytest.mark.parametrize(
    "figures", [{"rows": 2}, {"totals": {"total_amount": 11}}, {"sha256": "ab"}]
)
def test_a_late_trigger_is_compared_with_the_ledger(zone, figures):
    zone.drop(ORDERS, orders_csv("1"))
    zone.drop("orders_2025_01_17.csv", orders_csv("1"))
    assert set(zone.status().values()) == {"loaded", "duplicate"}
    zone.drop(MORE, orders_csv("2"))
    zone.drop_trigger(TRIGGER, MORE, {"name": "orders_2025_01_17.csv", **figures})
    assert zone.status() == {MORE: "mismatch_after_load"}
    assert zone.counting_orders() == ["1"]
    zone.drop("orders_2025_01_17.csv", orders_csv("1", amount="11.00"))
    if "sha256" not in figures and "rows" not in figures:
        assert set(zone.status().values()) == {"loaded"}
        assert zone.counting_orders() == ["1", "1", "2"]


def test_a_retracted_file_has_not_arrived(zone):
    zone.drop(ORDERS, orders_csv("1"))
    zone.load()
    zone.query("update bronze.files set status = 'retracted'")
    zone.drop_trigger(TRIGGER, ORDERS)
    assert [batch.status for batch in zone.load().batches] == ["waiting"]
    zone.drop(ORDERS, orders_csv("1"))
    assert zone.status() == {ORDERS: "loaded"}


def test_a_bad_trigger_is_discarded_and_does_not_free_its_batch(zone):
    zone.drop(ORDERS, orders_csv("1"))
    zone.drop_trigger(TRIGGER, {"name": ORDERS, "rows": 2})
    zone.load()
    zone.drop(TRIGGER, '{"expected_files": []}')
    assert zone.status() == {TRIGGER: "bad_trigger", ORDERS: "rows_mismatch"}
    assert zone.reason(f"trigger/{TRIGGER}")["reason"] == "bad_trigger"
    zone.drop_trigger(TRIGGER, {"name": ORDERS, "rows": 1})
    assert zone.status() == {ORDERS: "loaded"}


def test_unknown_keys_are_kept(zone):
    zone.drop(ORDERS, orders_csv("1"))
    zone.drop_trigger(TRIGGER, ORDERS, trigger_id="T1", source_system="shop'; drop table x; --")
    zone.load()
    ((text, trigger_id),) = zone.query("select trigger_json, trigger_id from bronze.batches")
    assert json.loads(text)["source_system"] == "shop'; drop table x; --"
    assert trigger_id == "T1"


def test_batches_load_by_batch_date_then_name(zone):
    for day in ("17", "15", "16"):
        zone.drop(f"orders_2025_01_{day}.csv", orders_csv(day))
    zone.drop_trigger("trigger_2025_01_20.json", "orders_2025_01_16.csv")
    zone.drop("addresses_2025_01_16.csv", "address_id,customer_id\nA1,C1\n")
    zone.load()
    assert [name for name, _ in zone.ledger()] == [
        "orders_2025_01_15.csv",
        "addresses_2025_01_16.csv",
        "orders_2025_01_16.csv",
        "orders_2025_01_17.csv",
    ]
