"""The whole platform killed in the middle of a run, started again: long, for `make crashes`."""

import json
import os
import signal
from contextlib import closing, suppress
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from crashes import files
from landing_zone import orders_csv
from running_platform import Platform, children_of, postgres, with_postgres

from orchestration.publish import current_file
from orchestration.warehouse import current_writer

SUCCESS = dg.DagsterRunStatus.SUCCESS


def descendants(process: int) -> list[int]:
    found = list(children_of(process))
    return found + [below for child in found for below in descendants(child)]


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_killed_with_all_its_processes_it_goes_on_after_a_restart(tmp_path: Path, store: str):
    if store == "postgres":
        with postgres() as url, with_postgres(url):
            live_twice(tmp_path)
    else:
        live_twice(tmp_path)


def live_twice(folder: Path) -> None:
    platform = Platform(folder)
    landing = platform.settings.landing
    customer = {"customer_id": "C1", "updated_at": "2025-01-15T00:00:00Z"}
    (landing / "customers_2025_01_15.json").write_text(json.dumps([customer]))
    (landing / "orders_2025_01_15.csv").write_text(orders_csv("1", "2"))
    (landing / "returns_2025_01_15.csv").write_text("x")
    dropped = {sha for _, sha in files(platform.settings)}

    with platform.up() as up:
        # The loader is done, dbt is at work.
        platform.until(lambda: not any(landing.iterdir()) and current_writer(platform.settings))
        for process in [up.pid, *descendants(up.pid)]:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        up.wait(60)
    assert not current_file(platform.settings).exists()

    with platform.up() as up, platform.instance() as instance:
        platform.until(lambda: instance.get_runs(dg.RunsFilter(statuses=[SUCCESS]), limit=1))
        newest, killed = instance.get_runs()
        assert (newest.status, killed.status) == (SUCCESS, dg.DagsterRunStatus.FAILURE)
        with closing(duckdb.connect(current_file(platform.settings), read_only=True)) as reader:
            assert reader.execute("select count(*) from gold.fact_orders").fetchone() == (2,)
            assert reader.execute("select status from audit.builds order by 1").fetchall() == [
                ("interrupted",),
                ("published",),
            ]
        os.killpg(up.pid, signal.SIGINT)
        assert up.wait(60) == 0
    held = files(platform.settings)
    assert {sha for _, sha in held} == dropped
    assert sum(held.values()) == 3
