"""Faults that pass by themselves: the step is tried again, and goes on where it was."""

import subprocess
import sys
from collections import Counter

import dagster as dg
import duckdb
import pytest
from landing_zone import LandingZone, orders_csv

from orchestration import bronze, retries
from orchestration.automation import writer
from orchestration.dbt_runner import DbtRun, Failure

_HOLDER = """
import sys, time, duckdb
with duckdb.connect(sys.argv[1]) as holder:
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(retries, "FIRST_PAUSE_SECONDS", 0)
    monkeypatch.setattr("orchestration.warehouse._CONNECT_PAUSE_SECONDS", 0.01)


def run_steps(zone: LandingZone, after_load) -> dg.ExecuteInProcessResult:
    """The loader's own step, and a step behind it that may find the warehouse held."""

    @dg.asset(deps=[dg.AssetKey(["bronze", "files"])])
    def behind(context: dg.AssetExecutionContext) -> None:
        with retries.retrying(context, zone.lines.append):
            after_load()

    steps = [bronze.bronze_assets(zone.settings, zone.contracts, zone.lines.append), behind]
    resources = {"writer": writer(zone.settings, zone.lines.append)}
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(steps, instance=instance, resources=resources, raise_on_error=False)


def attempts(result: dg.ExecuteInProcessResult) -> Counter:
    started = (dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_RESTARTED)
    return Counter(event.step_key for event in result.all_events if event.event_type in started)


def test_what_passes_by_itself_is_tried_again_and_goes_on_where_it_was(tmp_path):
    zone = LandingZone(tmp_path)
    zone.drop("orders_2025_01_15.csv", orders_csv("1"))
    holder = None

    def hold_once() -> None:
        """Somebody opens the warehouse; when this is tried again, they have gone."""
        nonlocal holder
        if holder is None:
            command = [sys.executable, "-c", _HOLDER, str(zone.settings.warehouse)]
            holder = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            assert holder.stdout.readline() == "held\n"
        elif holder.poll() is None:
            holder.communicate("")
        duckdb.connect(zone.settings.warehouse).close()

    result = run_steps(zone, hold_once)

    assert result.success
    assert attempts(result) == {"bronze": 1, "behind": 2}
    assert any("Could not set lock" in line and "Trying again" in line for line in zone.lines)
    assert zone.ledger() == [("orders_2025_01_15.csv", "loaded")]


def test_a_fault_that_stays_fails_the_step_after_three_more_attempts(tmp_path):
    zone = LandingZone(tmp_path)

    def disk_is_full() -> None:
        raise OSError(28, "No space left on device")

    result = run_steps(zone, disk_is_full)
    assert not result.success
    assert attempts(result) == {"bronze": 1, "behind": 4}


@pytest.mark.parametrize(
    "fault",
    [
        ValueError("a bug"),
        FileNotFoundError(2, "No such file"),
        PermissionError(13, "Denied"),
        duckdb.IOException("IO Error: Could not read enough bytes from file"),
    ],
)
def test_what_does_not_pass_by_itself_is_not_tried_again(tmp_path, fault):
    def breaks() -> None:
        raise fault

    assert attempts(run_steps(LandingZone(tmp_path), breaks))["behind"] == 1


def dbt_run(*messages: str, rows: int | None = None) -> DbtRun:
    kind = "test" if rows else "model"
    failures = tuple(Failure(f"f{n}", kind, rows, text, None) for n, text in enumerate(messages))
    return DbtRun(False, "id", failures, (), None)


@pytest.mark.parametrize(
    ("run", "may_pass"),
    [
        (dbt_run('Runtime Error in model x IO Error: Could not set lock on file "w"'), True),
        (dbt_run("Out of Memory Error: failed to allocate data of size 1.0 GiB"), True),
        (dbt_run("IO Error: No space left", "Got 3 results, configured to fail if != 0"), False),
        (dbt_run("Got 3 results, configured to fail if != 0", rows=3), False),
        (DbtRun(False, None, (), (), "IO Error: Cannot open file"), True),
        (DbtRun(False, None, (), (), "IO Error: Could not read enough bytes from file"), False),
        (DbtRun(False, None, (), (), None), False),
        (DbtRun(True, "id", (), (), None), False),
    ],
)
def test_dbt_is_tried_again_when_all_that_failed_may_pass(run, may_pass):
    assert retries.is_transient(run) == may_pass
