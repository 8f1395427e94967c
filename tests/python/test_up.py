"""The platform as it runs for good: real processes, real daemon, real waiting."""

import json
import re
import subprocess
from contextlib import closing
from pathlib import Path

import dagster as dg
import duckdb
from landing_zone import LandingZone, orders_csv
from running_platform import (
    Platform,
    children_of,
    is_alive,
    kill,
    postgres,
    slow_writer,
    with_postgres,
)

from orchestration.automation import ask_for_run
from orchestration.instance import dagster_home, expire_runs
from orchestration.publish import current_file


def test_three_files_of_two_feeds_are_one_run_from_landing_to_published_gold(tmp_path: Path):
    platform = Platform(tmp_path)
    landing = platform.settings.landing
    slow = landing / "orders_2025_01_17.csv"
    with platform.up() as up, platform.instance() as instance:
        platform.until(lambda: platform.skips(instance))
        assert platform.skips(instance)[0] == "Landing is empty."

        with slow_writer(slow, orders_csv("9")):
            customer = {"customer_id": "C1", "updated_at": "2025-01-15T00:00:00Z"}
            (landing / "customers_2025_01_15.json").write_text(json.dumps([customer]))
            (landing / "orders_2025_01_15.csv").write_text(orders_csv("1", "2"))
            (landing / "orders_2025_01_16.csv").write_text(orders_csv("3"))
            done = platform.until(lambda: [r for r in instance.get_runs() if r.is_finished])
            assert [(run.job_name, run.status) for run in done] == [
                ("build", dg.DagsterRunStatus.SUCCESS)
            ]
            skips = len(platform.skips(instance))
            platform.until(lambda: len(platform.skips(instance)) > skips + 1)
            assert platform.skips(instance)[0] == "1 file is still being written."
            assert len(instance.get_runs()) == 1
            assert [path.name for path in landing.iterdir()] == [slow.name]
            with closing(duckdb.connect(current_file(platform.settings), read_only=True)) as reader:
                assert reader.execute(
                    "select count(*), sum(published_version) from gold.fact_orders, audit.builds"
                ).fetchone() == (3, 3)

        second = subprocess.run(
            platform.command("up"),
            env={**platform.variables, "PATH": "/usr/bin"},
            capture_output=True,
            text=True,
        )
        assert second.returncode == 2
        assert re.match(r"Error: It runs already with DAGSTER_HOME .*\. End that", second.stderr)

        parts = children_of(up.pid)
        assert len(parts) == 3
        kill(next(process for process, line in parts.items() if "_daemon" in line))
        assert up.wait(60) == 1
        assert not [process for process in parts if is_alive(process)]
    assert "The daemon ended with code -9; ending the others." in platform.log.read_text()


def test_it_ends_when_told_to_and_leaves_nothing_behind(tmp_path: Path):
    platform = Platform(tmp_path)
    with platform.up() as up:
        parts = platform.until(lambda: children_of(up.pid))
        up.terminate()
        assert up.wait(60) == 0
        assert not [process for process in parts if is_alive(process)]


def test_runs_checks_and_their_end_are_kept_in_a_real_postgresql(tmp_path, monkeypatch):
    @dg.asset
    def thing() -> None:
        return None

    @dg.asset_check(asset=thing)
    def passes() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    zone = LandingZone(tmp_path / "data")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    with postgres() as url, with_postgres(url):
        home = dagster_home(zone.settings)
        for _ in range(2):
            with dg.DagsterInstance.from_config(str(home)) as instance:
                assert dg.materialize([thing, passes], instance=instance).success
        with dg.DagsterInstance.from_config(str(home)) as instance:
            assert "Postgres" in type(instance.event_log_storage).__name__
            zone.drop("orders_2025_01_15.csv", orders_csv("1"))
            request = ask_for_run(instance, zone.settings, zone.contracts, zone.now)
            assert isinstance(request, dg.RunRequest)
            assert expire_runs(instance, home, keep=1) == 1
            history = instance.event_log_storage.get_asset_check_execution_history
            assert len(history(passes.check_key, limit=9)) == 1
            assert instance.get_latest_materialization_event(dg.AssetKey("thing"))
    assert not (home / "history").exists()
    assert "postgres" not in dagster_home(zone.settings).joinpath("dagster.yaml").read_text()
