"""What `make bench` measures with: files, the split of time, the check that both sides agree.

Belongs here: that these are what the page says of them, and that both sides do agree. Does not:
speed.
"""

import csv
import json
from pathlib import Path

import duckdb
import pytest
from warehouse import PII_KEY, Warehouse, assert_passed

from benchmarks import events
from benchmarks.agreement import differences
from benchmarks.deliveries import Deliveries, files_per_feed, link_files, make_deliveries
from benchmarks.handwritten import build_by_hand
from benchmarks.measure import phases_of_dbt
from benchmarks.report import judge, render
from orchestration.cli import cli
from orchestration.settings import Settings

ORDERS, DAYS, SMALL = 300, 4, 40


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Deliveries:
    folder = tmp_path_factory.mktemp("made")
    return make_deliveries(folder, orders=ORDERS, days=DAYS, small_orders=SMALL)


def by_hand(folder: Path, *folders: Path) -> Path:
    folder.mkdir(exist_ok=True)
    target = folder / "by_hand.duckdb"
    build_by_hand(files_per_feed(*folders), target, Settings(data_dir=folder), PII_KEY)
    return target


def ask(path: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def as_published(by_hand: Path, target: Path, *changes: str) -> Path:
    """The tables made by hand where the pipeline publishes its own, after some SQL."""
    with duckdb.connect(str(target)) as connection:
        connection.execute(f"attach '{by_hand}' as made (read_only)")
        connection.execute("create schema gold; create schema silver")
        for (table,) in connection.execute(
            "select table_name from duckdb_tables() where database_name = 'made'"
        ).fetchall():
            schema = "silver" if table == "quarantine" else "gold"
            connection.execute(f"create table {schema}.{table} as from made.{table}")
        for change in changes:
            connection.execute(change)
    return target


def test_next_day_is_the_day_after_the_history(made: Deliveries):
    days = [
        sorted({path.name.split("_2025_")[1][:5] for path in folder.iterdir()})
        for folder in (made.history, made.next_day)
    ]
    assert days == [["01_13", "01_14", "01_15", "01_16"], ["01_17"]]


def test_correction_changes_some_quantities_of_one_file(made: Deliveries):
    (corrected,) = made.correction.iterdir()
    before, after = (
        list(csv.DictReader(path.read_text().splitlines()))
        for path in (made.history / corrected.name, corrected)
    )
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert len(changed) == -(-len(before) // 100)
    assert all(b == {**a, "quantity": str(int(a["quantity"]) + 1)} for a, b in changed)


def test_small_history_holds_all_rows_of_some_orders(made: Deliveries, tmp_path: Path):
    small = by_hand(tmp_path / "small", made.small_history)
    whole = by_hand(tmp_path / "whole", made.history)
    count = "select count(*) from fact_orders"
    assert ask(small, count) == [(SMALL,)]
    assert ask(small, "select count(*) from quarantine") == [(0,)]
    facts = "select order_id, order_status, item_count, paid_amount, shipped_at from fact_orders"
    assert set(ask(small, facts)) <= set(ask(whole, facts))


def test_small_history_holds_what_the_next_day_names_first(made: Deliveries, tmp_path: Path):
    small = by_hand(tmp_path, made.small_history)
    day = files_per_feed(made.next_day)
    named = {
        row["order_id"]
        for feed in ("orders", "order_items", "shipments")
        for row in csv.DictReader(day[feed][0].read_text().splitlines())
    } | {row["order_id"] for row in json.loads(day["payments"][0].read_text())}
    assert {order_id for (order_id,) in ask(small, "select order_id from fact_orders")} <= named


def test_file_of_a_later_folder_takes_the_place_of_its_namesake(made: Deliveries):
    (corrected,) = made.correction.iterdir()
    files = files_per_feed(made.history, made.correction)["order_items"]
    assert len(files) == DAYS
    assert [path for path in files if path.name == corrected.name] == [corrected]


def test_who_moves_a_linked_file_leaves_the_original(made: Deliveries, tmp_path: Path):
    link_files(tmp_path / "landing", made.next_day.iterdir())
    before = sorted(path.name for path in made.next_day.iterdir())
    for path in (tmp_path / "landing").iterdir():
        path.rename(tmp_path / path.name)
    assert sorted(path.name for path in made.next_day.iterdir()) == before


def test_same_tables_agree(made: Deliveries, tmp_path: Path):
    script = by_hand(tmp_path / "hand", made.history)
    assert differences(as_published(script, tmp_path / "published.duckdb"), script) == []


def test_the_pipeline_comes_to_the_tables_of_the_script(made: Deliveries, tmp_path: Path):
    warehouse = Warehouse.at(tmp_path / "data")
    loads = [(made.history,), (made.next_day, made.correction)]
    for number, folders in enumerate(loads, start=1):
        for folder in folders:
            link_files(warehouse.settings.landing, folder.iterdir())
        warehouse.load()
        assert_passed(warehouse.build("--exclude-resource-type", "test"))
        loaded = [folder for load in loads[:number] for folder in load]
        script = by_hand(tmp_path / "hand", *loaded)
        assert differences(warehouse.settings.warehouse, script) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("update gold.fact_sales set net_amount = net_amount + 0.01", "net_amount"),
        ("update gold.fact_orders set paid_at = null", "paid_at"),
        ("update gold.payment_anomalies set z_score = z_score + 0.001", "z_score"),
        ("delete from gold.sales_funnel where date_day = '2025-01-13'", "5 by hand"),
        ("insert into silver.quarantine (feed) values ('orders')", "0 by hand"),
    ],
)
def test_another_value_is_found(made: Deliveries, tmp_path: Path, change: str, found: str):
    script = by_hand(tmp_path / "hand", made.history)
    (difference,) = differences(as_published(script, tmp_path / "p.duckdb", change), script)
    assert found in difference


def node(name: str, *seconds: int) -> dict:
    start, end = (f"2025-01-01T00:00:{second:02}Z" for second in seconds)
    timing = [{"name": "execute", "started_at": start, "completed_at": end}]
    return {"unique_id": name, "timing": timing}


def test_an_instant_is_shared_by_what_runs_at_it():
    metadata = {
        "invocation_started_at": "2025-01-01T00:00:00Z",
        "generated_at": "2025-01-01T00:00:30Z",
    }
    nodes = [node("model.a", 2, 12), node("test.b", 8, 14), node("snapshot.c", 20, 24)]
    skipped = {"unique_id": "model.skipped", "timing": []}
    assert phases_of_dbt(metadata, [*nodes, skipped]) == {"models": 12.0, "tests": 4.0, "dbt": 14.0}


def measurement(seconds: float, **figures: float) -> list[dict]:
    phases = dict.fromkeys(("loader", "models", "tests", "dbt", "publish", "rest"), seconds / 6)
    return [
        {
            "seconds": seconds,
            "processor": seconds,
            "peak": 2**30,
            "at_start": 2**28,
            "parse": 1.0,
            "rows": 1,
            "nodes": 0,
            "published": 2**20,
            "quarantined": 0,
            "phases": phases,
            "slowest": {"fact_sales": 1.0},
            **figures,
        }
    ]


def results(**other: list[dict]) -> dict:
    measured = {
        "full": measurement(60, rows=3000),
        "full_by_hand": measurement(30),
        "idle": measurement(0.1),
        "day": measurement(9, rows=100),
        "day_by_hand": measurement(31),
        "correction": measurement(9),
        "correction_by_hand": measurement(30),
        "small": measurement(8),
        "day_on_small": measurement(6),
        "day_on_small_by_hand": measurement(2),
    }
    plan = {"orders": 1, "days": 2, "small_orders": 1, "repeats": 1, "memory_limit": "2GB"}
    machine = {"processors": 2, "memory": 2**34, "python": "3.11", "duckdb": "2.0", "load": 0.1}
    return {"plan": plan, "machine": machine, "measured": measured | other}


def test_bars_compare_what_the_design_says():
    day_to_small, day_to_full = 9 / (1.5 * 6 + 60 * 100 / 3000), 9 / 60
    assert [bar.measured for bar in judge(results())] == pytest.approx(
        [40 / 30, day_to_small, day_to_full, 0, 1.5]
    )
    assert [bar.is_met for bar in judge(results())] == [True, True, True, True, False]
    idle = judge(results(idle=measurement(9, nodes=1)))
    assert [bar.is_met for bar in idle] == [True, True, True, False, False]


def test_page_names_every_scenario_and_bar():
    page = render(results())
    assert "**missed**" in page and "| met |" in page
    assert page.count("The same day on the small history") == 3
    assert "--memory-limit 2GB" in page


def test_events_are_measured_with_a_platform_that_can_be_started(monkeypatch):
    class Process:
        def __init__(self, command: list[str], **_options: object) -> None:
            self.command = command

        def send_signal(self, _number: int) -> None: ...

        def wait(self, _seconds: float) -> None: ...

    monkeypatch.setattr(events.subprocess, "Popen", Process)
    with events._platform(interval=5) as platform:
        _python, _m, module, command, *options = platform.command
    assert module == "orchestration"
    # What the command refuses is refused here.
    assert cli.commands[command].make_context(command, options).params["port"]
