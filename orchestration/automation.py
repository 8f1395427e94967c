"""What runs when.

Belongs here: the job of a build, the sensor over landing, the schedules, and the lock that a run
holds from its first step to its last. Does not: what a step does (`bronze.py`, `dbt_assets.py`,
`nightly.py`), what is due (`loader/landing.py`).
"""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from orchestration.affected import expected_models
from orchestration.bronze import bronze_keys
from orchestration.contracts import Contract
from orchestration.dbt_assets import PUBLISHED, Translator
from orchestration.demo.next_day import make_next_day
from orchestration.forecast.step import GROUP as FORECAST
from orchestration.loader.landing import pause_seconds, what_is_due
from orchestration.settings import ConfigurationError, Settings
from orchestration.warehouse import writer_lock

JOB = "build"
DEMO_JOB = "demo_day"

_UNDER_WAY = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_WITHOUT_SUCCESS = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_FAILURES_THAT_COUNT = 10
_SKEW_SECONDS = 60  # a run may end while one asks
# A tick watches landing so long, looks so often, and leaves so much before the next one may begin.
_WATCH_SECONDS, _LOOK_SECONDS, _REST_SECONDS = 3.5, 0.25, 1.5


def build_job() -> Any:
    """Landing to published, in one process: the imports of dbt are paid once."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all() - dg.AssetSelection.groups(FORECAST),
        description="Load what is due in landing, build and test everything, publish.",
        executor_def=dg.in_process_executor,
    )


def selection_of_event(
    settings: Settings,
    contracts: Mapping[str, Contract],
    manifest: Mapping[str, Any],
    now: datetime,
) -> list[dg.AssetKey] | None:
    """The assets that a run over the files in landing is asked for; None, before the first publish:
    all.

    Only models that those files affect are named; what else turns out to be due is built as well.
    """
    models = expected_models(settings, contracts, manifest, now.date())
    if models is None:
        return None
    translator, names = Translator(), set(models)
    affected = [
        translator.get_asset_key(node)
        for node in manifest["nodes"].values()
        if node["name"] in names
    ]
    return [*bronze_keys(contracts), *affected, PUBLISHED]


def landing_sensor(
    settings: Settings, contracts: Mapping[str, Contract], manifest: Mapping[str, Any], job: Any
) -> dg.SensorDefinition:
    """Asks for a run when something is due in landing; keeps no state of its own.

    A tick watches landing for some seconds: the daemon's next one is at least five away.
    """

    @dg.sensor(
        name="landing",
        job=job,
        # The daemon asks every five seconds whose time has come. Ticks begin a moment later than it
        # asks, some moments longer than others: without a margin every other round would be lost.
        minimum_interval_seconds=max(settings.sensor_interval_seconds - 1, 1),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for a run when files in landing are due.",
    )
    def landing(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        watch = min(_WATCH_SECONDS, settings.sensor_interval_seconds - _REST_SECONDS)
        watched_until = time.monotonic() + watch
        while True:
            now = datetime.now(UTC)
            asked = ask_for_run(context.instance, settings, contracts, now)
            if isinstance(asked, dg.RunRequest):
                break
            if time.monotonic() >= watched_until:
                return asked
            time.sleep(_LOOK_SECONDS)
        selection = selection_of_event(settings, contracts, manifest, now)
        return dg.RunRequest(
            asset_selection=selection,
            run_config={
                "ops": {"dbt_build": {"config": {"only_due": selection is not None}}},
                # Every event of a run is in the UI; printing some hundred takes as long as a model.
                "loggers": {"console": {"config": {"log_level": "INFO"}}},
            },
        )

    return landing


def ask_for_run(
    instance: dg.DagsterInstance,
    settings: Settings,
    contracts: Mapping[str, Contract],
    now: datetime,
) -> dg.RunRequest | dg.SkipReason:
    """A request for one run over all that is due, or a sentence that says why there is none.

    State is the folder, the loader's notes and the runs on record: no cursor that could skip a
    file, no run key that could swallow a run. A run that failed, or that somebody ended, is asked
    for again, also when landing is empty: what it had loaded has not reached readers. After several
    of them the pause grows, from RETRY_PAUSE_SECONDS to an hour.
    """
    due = what_is_due(settings, contracts, lambda: now)
    failures, last_end = _failures(instance, now.timestamp())
    if not due.is_due and not failures:
        return dg.SkipReason(due.sentence)
    under_way = instance.get_runs(dg.RunsFilter(job_name=JOB, statuses=_UNDER_WAY), limit=1)
    if under_way:
        return dg.SkipReason(f"{due.sentence} Run {under_way[0].run_id} is not over yet.")
    if failures:
        again_at = datetime.fromtimestamp(last_end + pause_seconds(settings, failures), UTC)
        if now < again_at:
            last = "The last run" if failures == 1 else f"The last {failures} runs"
            return dg.SkipReason(
                f"{due.sentence} {last} failed; the next one is asked for at {again_at:%H:%M:%S}"
                " UTC."
            )
    return dg.RunRequest()


def _failures(instance: dg.DagsterInstance, now: float) -> tuple[int, float]:
    """How many builds failed, or were ended, since one did not; when the last ended (Unix time).

    An end long after now, by a clock that was set back since, keeps nobody waiting.
    """
    failures, last_end = 0, 0.0
    for record in instance.get_run_records(dg.RunsFilter(job_name=JOB), limit=_FAILURES_THAT_COUNT):
        if record.dagster_run.status in _UNDER_WAY:
            continue
        if record.dagster_run.status not in _WITHOUT_SUCCESS:
            break
        failures += 1
        end = record.end_time or 0.0
        if end <= now + _SKEW_SECONDS:
            last_end = max(last_end, end)
    return failures, last_end


def nightly_schedule(settings: Settings, job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """Runs the job `nightly` at NIGHTLY_CRON. Raises ConfigurationError when that is no cron."""
    return _schedule(job, "NIGHTLY_CRON", settings.nightly_cron, dg.DefaultScheduleStatus.RUNNING)


def demo_schedule(settings: Settings, job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """Makes a demo day at DEMO_CRON, once somebody switches it on; raises as `nightly_schedule`."""
    return _schedule(job, "DEMO_CRON", settings.demo_cron, dg.DefaultScheduleStatus.STOPPED)


def _schedule(
    job: dg.JobDefinition, variable: str, cron: str, status: dg.DefaultScheduleStatus
) -> dg.ScheduleDefinition:
    try:
        return dg.ScheduleDefinition(
            name=f"{job.name}_schedule",
            job=job,
            cron_schedule=cron,
            execution_timezone="UTC",
            default_status=status,
            description=job.description,
        )
    except dg.DagsterInvalidDefinitionError:
        raise ConfigurationError(
            f"Environment variable {variable} is {cron!r}, which is no cron expression."
        ) from None


def demo_job(settings: Settings, report: Callable[[str], None]) -> dg.JobDefinition:
    """Puts the next day of a made-up shop into landing, where the sensor finds it."""

    @dg.op(name="make_demo_day", description="The next day of the demo, into landing.")
    def make_demo_day() -> None:
        try:
            day, files = make_next_day(settings, datetime.now(UTC).date())
        except ConfigurationError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        report(f"Put {files} files and a trigger of {day} into {settings.landing}.")

    @dg.job(
        name=DEMO_JOB,
        description="For demonstrations: a made-up shop delivers its next day.",
        executor_def=dg.in_process_executor,
    )
    def demo_day() -> None:
        make_demo_day()

    return demo_day


def writer(settings: Settings, report: Callable[[str], None]) -> dg.ResourceDefinition:
    """The writer's lock, held for as long as the run: no other may write between two steps.

    The pool `warehouse` queues runs of one Dagster instance; the lock also keeps `make run` and a
    Dagster of another folder apart.
    """

    @dg.resource(description="The right to write the warehouse.")
    def hold_lock(_: dg.InitResourceContext) -> Iterator[None]:
        with writer_lock(settings, report):
            yield

    return hold_lock
