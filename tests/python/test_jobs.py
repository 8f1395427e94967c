"""The jobs beside the build: the night, decisions of a person, the demo's next day."""

import json
from collections.abc import Iterator

import dagster as dg
import pytest

from orchestration.automation import DEMO_JOB, demo_schedule, nightly_schedule
from orchestration.contracts import load_contracts
from orchestration.definitions import build_definitions
from orchestration.instance import dagster_home, expire_runs
from orchestration.loader.landing import what_is_due
from orchestration.publish import current_version, versions
from orchestration.settings import ConfigurationError, Settings
from orchestration.warehouse import open_warehouse

DECISIONS = ("release", "retract", "restore", "reprocess", "rollback")


class Jobs:
    """The jobs of one copy of the built warehouse, run in this process."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        self.settings, self.instance, self.lines = settings, instance, []
        self.definitions = build_definitions(settings, self.lines.append)

    def run(self, name: str, **config: object) -> str | None:
        """Run a job; None, or the sentence it failed with."""
        ops = {f"decide_{name}": {"config": config}} if name in DECISIONS else {}
        self.result = self.definitions.resolve_job_def(name).execute_in_process(
            instance=self.instance, raise_on_error=False, run_config={"ops": ops}
        )
        events = self.result.all_events
        failures = [event.step_failure_data for event in events if event.is_step_failure]
        assert self.result.success == (not failures)
        return failures[0].user_failure_data.description if failures else None

    def ask(self, sql: str) -> list[tuple]:
        with open_warehouse(self.settings) as connection:
            return connection.execute(sql).fetchall()

    def due(self) -> str:
        return what_is_due(self.settings, load_contracts(self.settings.contracts_file)).sentence


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def jobs(copy_of_built, instance) -> Jobs:
    return Jobs(copy_of_built(), instance)


def test_decisions_are_made_from_the_ui_and_ask_for_the_build_they_need(jobs):
    ((name,),) = jobs.ask(
        "select min(file_name) from bronze.files where feed = 'orders' and status = 'loaded'"
    )
    assert jobs.run("retract", target=name, why="a test export") is None
    assert f"{name}: retracted" in jobs.lines
    assert jobs.due() == f"What counts of {name} has changed."
    assert jobs.run("restore", target=name, why="it was none") is None
    assert jobs.ask(f"select status, reason from bronze.files where file_name = '{name}'") == [
        ("loaded", "restored: it was none")
    ]

    ((batch,),) = jobs.ask("select min(batch_id) from bronze.batches where status = 'held'")
    assert jobs.run("release", batch=batch, why="the files are right") is None
    assert jobs.ask(f"select why from bronze.releases where batch_id = '{batch}'") == [
        ("the files are right",)
    ]
    assert jobs.due() == f"{batch} was released."

    ((refused,),) = jobs.ask("select min(file_name) from bronze.files where status = 'discarded'")
    assert jobs.run("reprocess", file=refused, why="the contract was mended") is None
    assert (jobs.settings.landing / refused).exists()

    for name, config, sentence in (
        ("retract", {"target": "nonesuch", "why": "x"}, "No file and no batch called 'nonesuch'"),
        ("release", {"batch": "nonesuch", "why": "x"}, "No batch 'nonesuch' is held; held are:"),
        ("reprocess", {"file": "nonesuch", "why": "x"}, "No file 'nonesuch' lies in"),
        ("rollback", {}, "There is no version before the current one (1); kept are 1."),
        ("rollback", {"version": 7}, "There is no version 7; kept are 1."),
    ):
        assert jobs.run(name, **config).startswith(sentence)


def test_the_night_finds_what_no_build_looked_at_and_expires_what_is_old(jobs, instance):
    with open_warehouse(jobs.settings) as connection:
        connection.execute(
            "update gold.fact_orders set net_amount = net_amount + 1"
            " where order_id = (select min(order_id) from gold.fact_orders)"
        )
    lone = jobs.settings.discarded / "orders" / "gone.csv.reason.json"
    lone.parent.mkdir(exist_ok=True)
    note = ("file", "sha256", "reason", "message", "discarded_at")
    lone.write_text(json.dumps(dict.fromkeys(note, "gone")))
    jobs.settings.spill.mkdir()

    failure = jobs.run("nightly")

    assert "The working copy does not pass all tests; readers see the last version" in failure
    assert "fact_orders" in failure
    checks = jobs.result.get_asset_check_evaluations()
    assert len(checks) > 200
    failed = {check.asset_key for check in checks if not check.passed}
    assert dg.AssetKey(["gold", "fact_orders"]) in failed
    key = next(check.asset_check_key for check in checks if not check.passed)
    (latest,) = instance.event_log_storage.get_latest_asset_check_execution_by_key([key]).values()
    assert latest.status.value == "FAILED"
    assert "Removed 1 reasons without their file." in jobs.lines
    assert not lone.exists()
    assert not jobs.settings.spill.exists()
    assert (current_version(jobs.settings), list(versions(jobs.settings))) == (1, [1])


def test_the_demo_goes_on_only_where_a_demo_is(jobs):
    assert "Files that are not of a demo lie in" in jobs.run(DEMO_JOB)


def test_old_runs_are_deleted_with_their_events_and_files(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    home = dagster_home(Settings(data_dir=tmp_path / "data"))

    @dg.asset_check(asset=dg.AssetKey("thing"))
    def passes() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    @dg.asset
    def thing() -> None:
        return None

    with dg.DagsterInstance.from_config(str(home)) as instance:
        run_ids = [
            dg.materialize(
                [thing, passes], instance=instance, selection=dg.AssetSelection.assets("thing")
            ).run_id
            for _ in range(3)
        ]
        running = dg.DagsterRun(job_name="build", status=dg.DagsterRunStatus.STARTED)
        assert expire_runs(instance, home, keep=3) == 0
        assert expire_runs(instance, home, keep=2) == 1
        assert expire_runs(instance, home, keep=2) == 0
        instance.add_run(running)
        assert expire_runs(instance, home, keep=1) == 2
        assert [run.run_id for run in instance.get_runs()] == [running.run_id]
        key = passes.check_key
        assert not instance.event_log_storage.get_asset_check_execution_history(key, limit=9)
    left = {path.name.partition(".")[0] for path in (home / "history" / "runs").glob("*.db")}
    assert not left & set(run_ids)


def test_schedules_run_at_the_hours_of_the_settings_and_the_demo_is_off(jobs, tmp_path):
    schedules = {schedule.name: schedule for schedule in jobs.definitions.schedules}
    nightly, demo = schedules["nightly_schedule"], schedules["demo_day_schedule"]
    assert (nightly.cron_schedule, nightly.default_status.value) == ("30 2 * * *", "RUNNING")
    assert (demo.cron_schedule, demo.default_status.value) == ("*/10 * * * *", "STOPPED")
    wrong = Settings(data_dir=tmp_path, nightly_cron="61 2 * * *")
    job = jobs.definitions.resolve_job_def("nightly")
    with pytest.raises(ConfigurationError, match=r"NIGHTLY_CRON is '61 2 \* \* \*'"):
        nightly_schedule(wrong, job)
    assert demo_schedule(wrong, job).cron_schedule == "*/10 * * * *"
    with pytest.raises(ConfigurationError, match="DEMO_CRON is 'daily'"):
        Settings.from_env({"DEMO_CRON": "daily"})
