"""A slice of the ordeal: streams of events, built by and by, end as rebuilds do.

Longer: `make ordeal ARGS="--count 200 --seed 1"`.
"""

from datetime import datetime
from hashlib import sha256
from pathlib import Path
from random import Random

import duckdb
import pytest
from ordeal.comparison import differences
from ordeal.sequence import judge
from ordeal.shrinking import shrink
from ordeal.streams import Build, Deliver, Stream, TakeBack, draw_stream, reordered
from ordeal.workshop import Workshop

from orchestration.settings import PROJECT_DIR


@pytest.fixture(scope="module")
def workshop(tmp_path_factory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("ordeal"), is_full=False)


@pytest.mark.parametrize("seed", [33, 52])
def test_a_stream_ends_as_a_rebuild_and_as_another_order_do(workshop, seed):
    stream = draw_stream(seed, PROJECT_DIR / "seeds")
    verdict = judge(workshop, stream, with_tests=seed == 33)
    assert not verdict.problems, "\n".join(verdict.problems)
    assert workshop.kills
    # Whole builds compared with whole builds would show nothing.
    assert workshop.builds_by_keys


def test_a_seed_gives_one_stream():
    assert draw_stream(7, PROJECT_DIR / "seeds") == draw_stream(7, PROJECT_DIR / "seeds")
    assert draw_stream(7, PROJECT_DIR / "seeds") != draw_stream(8, PROJECT_DIR / "seeds")


def test_what_is_not_needed_to_go_wrong_is_left_out():
    stream = draw_stream(52, PROJECT_DIR / "seeds")

    def goes_wrong(tried: Stream) -> bool:
        assert isinstance(tried.events[-1], Build)
        contents = [event.content for event in tried.events if isinstance(event, Deliver)]
        return any(b"C1," in content for content in contents) and len(tried.events) > 2

    file, _, build = shrink(stream, goes_wrong).events
    assert isinstance(file, Deliver) and file.content.count(b"\n") == 1
    assert build == Build()


def test_streams_hold_every_kind_of_event():
    events = [
        event for seed in range(20) for event in draw_stream(seed, PROJECT_DIR / "seeds").events
    ]
    kinds = {type(event).__name__ for event in events}
    assert kinds >= {"Deliver", "TakeBack", "BringBack", "Lookup", "Build"}
    assert {event.dies_at is None for event in events if isinstance(event, Build)} == {True, False}
    deliveries = [event for event in events if isinstance(event, Deliver)]
    assert any(b'"D"' in event.content or b",D\n" in event.content for event in deliveries)


def test_another_order_keeps_the_order_of_corrections():
    def place(events, content):
        return [event.content for event in events if isinstance(event, Deliver)].index(content)

    right, wrong = Deliver("a.csv", b"right"), Deliver("a.csv", b"wrong")
    in_effect = {("a.csv", sha256(b"right").hexdigest())}
    for seed in range(30):
        events = reordered([wrong, right, Deliver("b.csv", b"gone")], in_effect, Random(seed))
        assert right in events
        if wrong in events:
            assert place(events, b"wrong") < place(events, b"right")
        if Deliver("b.csv", b"gone") in events:
            assert events[-1] == TakeBack("b.csv")


def made(path: Path, *rows: tuple) -> Path:
    """A file with a gold table, and a history whose believed version has these keys."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema gold; create schema snapshots")
        connection.execute("create table gold.sales (amount int, _file_id int)")
        connection.execute("create table snapshots.history (amount int, dbt_valid_to timestamp)")
        for amount, file_id, believed_until in rows:
            connection.execute("insert into gold.sales values (?, ?)", [amount, file_id])
            connection.execute(
                "insert into snapshots.history values (?, ?)", [amount, believed_until]
            )
    return path


def test_a_difference_of_one_row_is_seen(tmp_path):
    left = made(tmp_path / "left", (1, 1, None), (1, 2, None), (2, 3, None))
    right = made(tmp_path / "right", (1, 9, None), (2, 8, None))
    sales, history = differences(left, right)
    assert (sales.table, history.table) == ("gold.sales", "snapshots.history")
    assert sales.rows == history.rows == ((1, 1),)


def test_ids_of_files_and_former_beliefs_are_no_difference(tmp_path):
    left = made(tmp_path / "left", (1, 1, None), (2, 2, None))
    right = made(tmp_path / "right", (2, 7, None), (1, 8, None))
    with duckdb.connect(str(right)) as connection:
        connection.execute("insert into snapshots.history values (5, ?)", [datetime(2025, 1, 1)])
    assert differences(left, right) == []
