"""The job, run once in this process against the persisted Dagster instance.

Belongs here: what `make run` does before, during and after the job. Does not: what the job does
(`automation.py`), what a person reads of it (`summary.py`).
"""

import logging
import os
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from orchestration.alerts import observe_failed_run, observe_feeds, send_alerts
from orchestration.builds import build_is_due
from orchestration.contracts import Contract, load_contracts
from orchestration.instance import dagster_home, expire_runs, open_instance
from orchestration.loader.erased import rewrites_are_due
from orchestration.loader.landing import passed_over
from orchestration.loader.ledger import Ledger
from orchestration.loader.load import connect
from orchestration.run_errors import error_of
from orchestration.settings import ConfigurationError, Settings
from orchestration.warehouse import damage_of, make_key, writer_lock

# Faults that leave every file loaded: the first run shows quarantine, and nothing waits after it.
_DEMO_FAULTS = "rows,lines"
# Who runs it from cron has no night; to look for old runs after each of them would cost.
_RUNS_OVER = 50
_DEMO_MARGIN = timedelta(days=200 * 365)

Report = Callable[[str], None]


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended: `published`, `unchanged` (nothing to build) or `failed`, with its error.

    `files` and `batches` are what the loader said of each, as plain values.
    """

    status: str
    run_id: str | None
    error: str | None
    files: list[dict[str, Any]]
    batches: list[dict[str, Any]]


def nothing_ever_landed(settings: Settings) -> bool:
    """Whether nobody has put up a landing folder here and the ledger is empty: a fresh clone."""
    if settings.landing.exists():
        return False
    with closing(connect(settings)) as connection:
        return not connection.execute("from bronze.files limit 1").fetchone()


def make_demo_data(settings: Settings, report: Report, **options: Any) -> None:
    """Put made-up deliveries into landing; `options` are those of `orchestration.demo.generate`.

    Labels of planted faults, and corrections to drop later, go to `DATA_DIR/demo/`, its progress
    to `report`.
    Raises ConfigurationError when an option is out of range, or the contracts ask for what the
    demo does not know.
    """
    from orchestration.demo import generate
    from orchestration.demo.next_day import remember_demo

    _check_calendar(**options)
    demo = settings.data_dir / "demo"
    made = generate(
        settings.landing,
        labels_path=demo / "labels.jsonl",
        contracts_file=settings.contracts_file,
        report=report,
        **options,
    )
    options.pop("faults", None)
    remember_demo(settings, **options)
    report(f"Put {made.files:,} files and {made.triggers:,} triggers into {settings.landing}.")
    if made.labels:
        report(f"Labels of the planted faults are in {demo / 'labels.jsonl'}.")


def _check_calendar(start: date | None = None, days: int = 1, **_: Any) -> None:
    if start is None:
        return
    try:
        # Customers were born before the first day, parcels come after the last.
        _ = start - _DEMO_MARGIN, start + timedelta(days) + _DEMO_MARGIN
    except OverflowError:
        raise ConfigurationError(
            f"A demo of {days} days from {start} on leaves the calendar (years 1 to 9999)."
            " Choose another --start or fewer --days."
        ) from None


def run(
    settings: Settings,
    *,
    report: Report,
    force: bool = False,
    full_refresh: bool = False,
    let_pass: bool = False,
    new_key: bool = False,
) -> RunOutcome:
    """Load what is due, build, test, publish; `report` gets lines for a person meanwhile.

    With `new_key`, a key of hashes that was lost is made anew. The other options are those of
    `dbt_assets.BuildConfig`.
    Raises ConfigurationError when a contract, the key file or the dbt project is wrong.
    """
    contracts = load_contracts(settings.contracts_file)
    config = {"force": force, "full_refresh": full_refresh, "let_pass": let_pass}
    try:
        outcome = _run(settings, contracts, config, report, new_key)
    except ConfigurationError:
        raise
    except Exception as error:
        now = datetime.now(UTC)
        observe_failed_run(settings, f"of {now:%Y-%m-%d %H:%M:%S} UTC", "build", str(error), report)
        send_alerts(settings, report)
        raise
    if outcome.status == "failed":
        observe_failed_run(settings, outcome.run_id or "", "build", outcome.error or "", _not_again)
    observe_feeds(settings, contracts, report)
    send_alerts(settings, report)
    return outcome


def _not_again(line: str) -> None:
    """What a failed run says is printed with its outcome already."""


def _run(
    settings: Settings,
    contracts: Mapping[str, Contract],
    config: Mapping[str, bool],
    report: Report,
    new_key: bool,
) -> RunOutcome:
    with writer_lock(settings, report):
        # A key that cannot be used ends the run here; of the first one the load tells.
        notice = make_key(settings, anew=new_key)
        if notice and new_key:
            report(notice)
        if nothing_ever_landed(settings):
            report("Nothing has ever landed here: making a week of demo deliveries first.")
            make_demo_data(settings, report, faults=_DEMO_FAULTS)
        if not _is_asked_for(config) and _is_idle(settings):
            for line in passed_over(settings):
                report(line)
            return RunOutcome("unchanged", None, None, [], [])
    return _execute(settings, contracts, config, report)


def _is_asked_for(config: Mapping[str, bool]) -> bool:
    """Whether a person wants everything built, whatever is due."""
    return config["force"] or config["full_refresh"]


def _is_idle(settings: Settings) -> bool:
    """Whether landing is empty, no duplicate has to stand in and the last build still stands.

    Found without Dagster.
    """
    settings.landing.mkdir(parents=True, exist_ok=True)
    with os.scandir(settings.landing) as entries:
        if any(entry.is_file(follow_symlinks=False) for entry in entries):
            return False
    with closing(connect(settings)) as connection:
        return not (
            Ledger(connection).stand_ins()
            or rewrites_are_due(connection)
            or build_is_due(connection, settings)
        )


def _execute(
    settings: Settings,
    contracts: Mapping[str, Contract],
    config: Mapping[str, bool],
    report: Report,
) -> RunOutcome:
    # Dagster's imports cost seconds, which a run with nothing to do need not pay.
    from orchestration.automation import JOB, selection_of_event
    from orchestration.dbt_runner import prepare_manifest
    from orchestration.definitions import build_definitions
    from orchestration.run_launcher import tags_of_this_process

    # A build with nothing to do has no results of checks, which this logger would tell of each.
    logging.getLogger("dagster._core.execution.plan.active").setLevel(logging.ERROR)
    job = build_definitions(settings, report).resolve_job_def(JOB)
    due = None
    if not _is_asked_for(config):
        due = selection_of_event(settings, contracts, prepare_manifest(settings), datetime.now(UTC))
    with open_instance(settings) as instance:
        result = job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            tags=tags_of_this_process(),
            asset_selection=due,
            run_config={
                "ops": {
                    "bronze": {"config": {"wait_for_settling": True}},
                    "dbt_build": {"config": {**config, "only_due": due is not None}},
                },
                # What a person needs comes by `report`; the rest stands in the instance.
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
        )
        _expire_runs(instance, settings, report)
    metadata = {
        event.asset_key.to_user_string(): event.materialization.metadata
        for event in result.get_asset_materialization_events()
    }
    error = None
    if not result.success:
        error = error_of(result.all_events) or "The run did not start; see it in the Dagster UI."
    if error and (damage := damage_of(settings, error)):
        error = str(damage)
    return RunOutcome(
        status="failed" if error else "published" if "published" in metadata else "unchanged",
        run_id=result.run_id,
        error=error,
        files=_json(metadata, "bronze/files", "files"),
        batches=_json(metadata, "bronze/batches", "batches"),
    )


def _expire_runs(instance: Any, settings: Settings, report: Report) -> None:
    """Remove old runs where no night does; readers see what was published, whatever fails here."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        if instance.get_runs_count() > settings.runs_kept + _RUNS_OVER:
            expire_runs(instance, dagster_home(settings), settings.runs_kept)
    except (OSError, SQLAlchemyError) as error:
        report(f"Old runs of Dagster stay until the next run: {error}")


def _json(metadata: dict[str, Any], asset: str, name: str) -> list[dict[str, Any]]:
    value = metadata.get(asset, {}).get(name)
    return value.value if value else []
