"""Fifty whole runs at once, half of which fail, and readers who never notice: for `make crashes`.

Each round brings a day of a demo and a build that fails, then starts commands and decisions, each a
process of its own, all at once.
"""

import os
import shutil
import subprocess
import sys
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from crashes import gold
from polling_reader import PollingReader

from orchestration.builds import last_builds
from orchestration.demo.next_day import make_next_day, remember_demo
from orchestration.publish import current_file, versions
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse import open_warehouse

ROUNDS, STARTS_PER_ROUND = 2, 25
TODAY = date(2025, 12, 31)

# Of each version it remembers what its money adds up to, which two tables say.
_LOOK = """
seen = {}
def look(reader):
    version = reader.execute("select version from audit.published").fetchone()[0]
    lines = reader.execute(
        "select sum(net_amount) from gold.fact_sales where is_revenue").fetchone()[0]
    days = reader.execute("select sum(net_amount) from gold.agg_daily_sales").fetchone()[0]
    status = reader.execute(
        "select status from audit.builds where published_version = ?", [version]).fetchone()
    assert lines == days and status == ("published",), (version, lines, days, status)
    assert seen.setdefault(version, lines) == lines, (version, lines, seen)
"""


@pytest.fixture
def settings(copy_of_built) -> Settings:
    """A published warehouse whose demo goes on."""
    settings = copy_of_built()
    remember_demo(settings, days=3, orders=60)
    return settings


def start(settings: Settings, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration", *arguments],
        cwd=PROJECT_DIR,
        env={**os.environ, "DATA_DIR": str(settings.data_dir)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_at_once(settings: Settings, commands: list[list[str]]) -> list[tuple[int, str]]:
    """Start them all at once; exit code and output of each."""
    processes = [start(settings, *arguments) for arguments in commands]
    outcomes = []
    for process in processes:
        said, _ = process.communicate()
        outcomes.append((process.returncode, said))
    assert not [said for _, said in outcomes if "lock" in said.lower() or "Traceback" in said]
    return outcomes


def miscount(settings: Settings, by: int) -> None:
    """What no delivery does: the ledger says more records than there are, and a test says so."""
    with open_warehouse(settings) as connection:
        connection.execute(
            f"update bronze.files set rows_read = rows_read + {by} where file_id ="
            " (select min(file_id) from bronze.files where status = 'loaded')"
        )


def test_fifty_runs_take_turns_and_readers_see_whole_versions(settings: Settings, tmp_path: Path):
    serial = Settings(tmp_path / "serial", settle_seconds=0)
    shutil.copytree(settings.data_dir, serial.data_dir)
    with open_warehouse(settings) as connection:
        name = connection.execute(
            "select min(file_name) from bronze.files where feed = 'clickstream'"
            " and status = 'loaded'"
        ).fetchone()[0]
    take_back, bring_back = (
        [decision, name, "--why", "a test"] for decision in ("retract", "restore")
    )
    reader = PollingReader(current_file(settings), _LOOK)

    for _ in range(ROUNDS):
        make_next_day(settings, TODAY)
        before = list(versions(settings))
        miscount(settings, 1)
        assert [code for code, _ in run_at_once(settings, [["run", "--force"]])] == [1]
        assert list(versions(settings)) == before
        miscount(settings, -1)
        runs = [["run"]] * (STARTS_PER_ROUND - 2)
        outcomes = run_at_once(settings, [take_back, *runs, bring_back])
        # A decision may come when there is nothing to decide on any more.
        assert {code for code, _ in outcomes[1:-1]} == {0}
        assert outcomes[0][0] in (0, 2) and outcomes[-1][0] in (0, 2)
    run_at_once(settings, [bring_back])
    assert run_at_once(settings, [["run"]])[0][0] == 0

    looks, seen = reader.end()
    assert looks > 500
    assert len(seen) > ROUNDS

    with open_warehouse(settings) as connection:
        builds = last_builds(connection, 500)
    assert [build.status for build in builds].count("failed") == ROUNDS
    spans = sorted((build.started_at, build.finished_at) for build in builds)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))

    remember_demo(serial, days=3, orders=60)
    for _ in range(ROUNDS):
        make_next_day(serial, TODAY)
    assert run_at_once(serial, [["run"]])[0][0] == 0
    assert gold(current_file(settings)) == gold(current_file(serial))
