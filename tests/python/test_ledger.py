"""The ledger: its table and its copy in memory never part."""

from datetime import date, datetime

import duckdb
import pytest

from orchestration.loader.bronze_tables import create_bronze
from orchestration.loader.ledger import Entry, Ledger


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        create_bronze(connection, {})
        yield connection


def entry(file_id: int, name: str = "orders_2025_01_15.csv", **values) -> Entry:
    fields = {
        "feed": "orders", "batch_id": None, "batch_date": date(2025, 1, 15), "sha256": "a",
        "size_bytes": 1, "status": "loaded", "reason": None, "rows_read": 1, "rows_loaded": 1,
        "rows_rejected": 0, "duplicate_of": None, "superseded_by": None, "drift": None,
        "loaded_at": datetime(2025, 1, 20),
    }  # fmt: skip
    return Entry(file_id, name, **{**fields, **values})


def test_what_is_recorded_is_read_again(connection):
    ledger = Ledger(connection)
    with ledger.transaction():
        ledger.add(entry(1))
        ledger.add(entry(2, sha256="b", status="discarded", reason="empty_file"))
        ledger.record(entry(1, status="superseded", superseded_by=3))
    for one in (ledger, Ledger(connection)):
        assert one[1] == entry(1, status="superseded", superseded_by=3)
        assert one.newest("orders_2025_01_15.csv").file_id == 2
        assert one.counting("orders", "a", "orders_2025_01_15.csv") is None


def test_a_transaction_that_fails_leaves_no_trace(connection):
    ledger = Ledger(connection)
    with ledger.transaction():
        ledger.add(entry(1))
    with pytest.raises(ZeroDivisionError), ledger.transaction():
        ledger.record(entry(1, status="superseded", superseded_by=2))
        ledger.record(entry(1, status="retracted"))
        ledger.add(entry(2, sha256="b"))
        raise ZeroDivisionError
    for one in (ledger, Ledger(connection)):
        assert one[1] == entry(1)
        assert one.newest("orders_2025_01_15.csv") == entry(1)
        assert one.counting("orders", "b", "x") is None
        assert one.counting("orders", "a", "x") == entry(1)


def test_a_commit_that_fails_is_undone_in_memory(connection):
    ledger = Ledger(connection)
    with pytest.raises(duckdb.TransactionException), ledger.transaction():
        ledger.add(entry(1))
        connection.execute("rollback")
    assert ledger.newest("orders_2025_01_15.csv") is None
    with ledger.transaction():
        ledger.add(entry(1))
    assert Ledger(connection)[1] == entry(1)


@pytest.mark.parametrize(
    ("history", "delivered", "duplicate_of", "supersedes"),
    [
        ([], ("n", "a"), None, []),
        ([("n", "a", "loaded")], ("n", "a"), 1, []),
        ([("m", "a", "loaded")], ("n", "a"), 1, []),
        ([("n", "a", "loaded")], ("n", "b"), None, [1]),
        ([("n", "a", "superseded"), ("n", "b", "loaded")], ("n", "a"), None, [2]),
        ([("n", "a", "retracted")], ("n", "a"), None, []),
        ([("n", "a", "discarded")], ("n", "a"), None, []),
        ([("m", "a", "loaded"), ("n", "b", "loaded")], ("n", "a"), None, [2]),
        ([("m", "a", "loaded"), ("n", "a", "loaded")], ("n", "a"), 2, []),
        ([("m", "a", "loaded"), ("n", "a", "duplicate")], ("n", "b"), None, [2]),
        ([("m", "b", "loaded"), ("n", "a", "duplicate")], ("n", "b"), 1, [2]),
    ],
)
def test_a_delivery_is_judged_by_what_counts(
    connection, history, delivered, duplicate_of, supersedes
):
    ledger = Ledger(connection)
    with ledger.transaction():
        for number, (name, sha256, status) in enumerate(history, start=1):
            ledger.add(entry(number, name, sha256=sha256, status=status))
    verdict = ledger.judge("orders", *delivered)
    assert (verdict.duplicate_of and verdict.duplicate_of.file_id) == duplicate_of
    assert [old.file_id for old in verdict.supersedes] == supersedes
