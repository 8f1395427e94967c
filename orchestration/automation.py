"""What runs when.

Belongs here: jobs, the sensor over landing, and the lock that a run holds from its first step to
its last. Does not: what a step does (`bronze.py`, `dbt_assets.py`), what is due
(`loader/landing.py`).
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from orchestration.contracts import Contract
from orchestration.loader.landing import what_is_due
from orchestration.settings import Settings
from orchestration.warehouse import writer_lock

JOB = "build"

_UNDER_WAY = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_FIRST_PAUSE_SECONDS = 60
_LONGEST_PAUSE_SECONDS = 3600
_FAILURES_THAT_COUNT = 10


def build_job() -> Any:
    """Landing to published, in one process: the imports of dbt are paid once."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all(),
        description="Load what is due in landing, build and test everything, publish.",
        executor_def=dg.in_process_executor,
    )


def landing_sensor(
    settings: Settings, contracts: Mapping[str, Contract], job: Any
) -> dg.SensorDefinition:
    """Asks for a run when something is due in landing; keeps no state of its own."""

    @dg.sensor(
        name="landing",
        job=job,
        minimum_interval_seconds=settings.sensor_interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for a run when files in landing are due.",
    )
    def landing(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return ask_for_run(context.instance, settings, contracts, datetime.now(UTC))

    return landing


def ask_for_run(
    instance: dg.DagsterInstance,
    settings: Settings,
    contracts: Mapping[str, Contract],
    now: datetime,
) -> dg.RunRequest | dg.SkipReason:
    """A request for one run over all that is due, or a sentence that says why there is none.

    State is the folder, the loader's notes and the runs on record: no cursor that could skip a
    file, no run key that could swallow a run. After runs that failed the pause grows, from a
    minute to an hour.
    """
    due = what_is_due(settings, contracts, lambda: now)
    if not due.names:
        return dg.SkipReason(due.sentence)
    under_way = instance.get_runs(dg.RunsFilter(job_name=JOB, statuses=_UNDER_WAY), limit=1)
    if under_way:
        return dg.SkipReason(f"{due.sentence} Run {under_way[0].run_id} is not over yet.")
    failures, last_end = 0, 0.0
    for record in instance.get_run_records(dg.RunsFilter(job_name=JOB), limit=_FAILURES_THAT_COUNT):
        if record.dagster_run.status != dg.DagsterRunStatus.FAILURE:
            break
        failures += 1
        last_end = max(last_end, record.end_time or 0.0)
    if failures:
        pause = min(_FIRST_PAUSE_SECONDS * 2 ** (failures - 1), _LONGEST_PAUSE_SECONDS)
        again_at = datetime.fromtimestamp(last_end + pause, UTC)
        if now < again_at:
            last = "The last run" if failures == 1 else f"The last {failures} runs"
            return dg.SkipReason(
                f"{due.sentence} {last} failed; the next one is asked for at {again_at:%H:%M:%S}"
                " UTC."
            )
    return dg.RunRequest()


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
