"""Fifty starts at once, half of which fail, and readers who never notice.

What a start does between its lock and its end is the loader's and the publisher's own code; in the
place of dbt stand a few tables, each marked with the number of its build. `make crashes` does the
same with whole runs.
"""

import os
from contextlib import closing
from itertools import pairwise
from pathlib import Path

from landing_zone import orders_csv
from polling_reader import PollingReader

from orchestration import bronze
from orchestration.builds import finish_build, last_builds
from orchestration.contracts import load_contracts
from orchestration.loader.load import connect
from orchestration.publish import current_file, publish, rollback
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse, writer_lock

STARTS = 50

_LOOK = """
seen = set()
def look(reader):
    one = reader.execute("select min(build), max(build), count(*) from gold.one").fetchone()
    two = reader.execute("select min(build), max(build), count(*) from gold.two").fetchone()
    published = reader.execute("select version, build_id from audit.published").fetchone()
    assert one == two and one[0] == one[1] == int(published[1]), (one, two, published)
    seen.add(one[0])
"""


def start(settings: Settings, number: int) -> None:
    """One run: load what is due, build, publish. Every second build fails."""
    (settings.landing / f"orders_2025_01_15_{number:02}.csv").write_text(orders_csv(str(number)))
    with writer_lock(settings, lambda line: None):
        contracts, run_id = load_contracts(settings.contracts_file), str(number)
        bronze.load(settings, contracts, run_id, wait_for_settling=False, report=print)
        with closing(connect(settings)) as connection:
            for table in ("one", "two"):
                connection.execute("create schema if not exists gold")
                connection.execute(
                    f"create or replace table gold.{table} as"
                    f" select {number} as build from range(1000 + {number})"
                )
            status = "failed" if number % 2 else "built"
            finish_build(connection, run_id, status, build_id=run_id, fingerprint="same")
            if status == "built":
                publish(connection, settings, run_id)


def test_fifty_starts_take_turns_and_readers_see_whole_builds_that_passed(tmp_path: Path):
    settings = Settings(data_dir=tmp_path, settle_seconds=0)
    settings.landing.mkdir()
    start(settings, 0)
    reader = PollingReader(current_file(settings), _LOOK)

    children = {}
    for number in range(1, STARTS + 1):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                start(settings, number)
                code = 0
            finally:
                os._exit(code)
        children[child] = number
    failed = [number for child, number in children.items() if os.waitpid(child, 0)[1] != 0]
    assert failed == []
    with writer_lock(settings, print):
        rollback(settings)
    looks, seen = reader.end()

    assert looks > 20
    assert len(seen) > 3
    assert not [number for number in seen if number % 2]
    with open_warehouse(settings) as connection:
        builds = last_builds(connection, STARTS + 1)
        files = connection.execute(
            "select count(*), count(distinct file_name), sum(rows_loaded) from bronze.files"
            " where status = 'loaded'"
        ).fetchone()
    assert files == (STARTS + 1,) * 3
    assert [build.status for build in builds].count("published") == STARTS // 2 + 1
    spans = sorted((build.started_at, build.finished_at) for build in builds)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
