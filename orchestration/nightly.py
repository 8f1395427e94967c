"""What is done once a night: all tests over all rows, the forecast, the end of what is too old.

Belongs here: the steps of the job `nightly`. Does not: when it runs (`automation.py`), what a
build tests by itself (`macros/incremental/`).
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

import dagster as dg
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from orchestration.dbt_assets import Translator
from orchestration.dbt_runner import invoke, target_dir
from orchestration.forecast.step import forecast_op
from orchestration.instance import dagster_home, expire_runs
from orchestration.loader.load import connect
from orchestration.loader.moves import remove_lone_reasons
from orchestration.publish import expire_versions
from orchestration.settings import Settings


def nightly_job(
    settings: Settings, manifest: Mapping[str, Any], report: Callable[[str], None]
) -> dg.JobDefinition:
    """All steps; only the forecast waits for the tests. `report` gets lines for a person."""
    translator = Translator()
    forecast = forecast_op(settings, report)

    @dg.op(
        name="test_everything",
        out=dg.Out(dg.Nothing),
        pool="warehouse",
        required_resource_keys={"writer"},
        description="Every dbt test over every row, not only over what a build changed.",
    )
    def test_everything(context: dg.OpExecutionContext) -> Iterator[Any]:
        events: list[DbtCoreCliEventMessage] = []

        def collect(raw: dict[str, Any]) -> None:
            events.append(DbtCoreCliEventMessage(raw_event=raw, event_history_metadata={}))

        run = invoke(settings, ["test", "--exclude-resource-type", "unit_test"], collect)
        for event in events:
            yield from event.to_default_asset_events(
                manifest=manifest,
                dagster_dbt_translator=translator,
                context=context,
                target_path=target_dir(settings),
            )
        for warning in run.warnings:
            report(f"Warning: {warning}")
        if not run.succeeded:
            raise dg.Failure(
                "The working copy does not pass all tests; readers see the last version that was"
                f" published.\n{run.reasons()}",
                allow_retries=False,
            )
        report(f"{len(events)} tests passed over all rows.")

    @dg.op(
        name="expire",
        pool="warehouse",
        required_resource_keys={"writer"},
        description="Remove versions and runs that are too old, and what a crash left behind.",
    )
    def expire(context: dg.OpExecutionContext) -> None:
        for line in expire_all(context.instance, settings):
            report(line)

    @dg.job(
        name="nightly",
        description="All tests over all rows; the forecast; the end of what is too old.",
        executor_def=dg.in_process_executor,
    )
    def nightly() -> None:
        forecast(test_everything())
        expire()

    return nightly


def expire_all(instance: dg.DagsterInstance, settings: Settings) -> list[str]:
    """Remove what is too old and what a crash left behind, of the only writer; in sentences."""
    versions = expire_versions(settings)
    runs = expire_runs(instance, dagster_home(settings), settings.runs_kept)
    reasons = remove_lone_reasons(settings.discarded)
    # What a killed process had spilled or was reading: nobody else has it open.
    for folder in (settings.spill, settings.spool):
        shutil.rmtree(folder, ignore_errors=True)
    with closing(connect(settings)) as connection:
        connection.execute("checkpoint")
    return [
        f"Removed {count} {what}."
        for count, what in (
            (len(versions), "published versions"),
            (runs, "runs of Dagster"),
            (reasons, "reasons without their file"),
        )
        if count
    ]
