"""The Dagster instance: where it is, what it stores in, and which of its runs are dead.

Belongs here: DAGSTER_HOME and its configuration, runs and their events that are too old. Does not:
what runs (`automation.py`).
"""

import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.settings import Settings
from orchestration.warehouse import current_writer

if TYPE_CHECKING:
    import dagster as dg

POSTGRES_VARIABLE = "DAGSTER_POSTGRES_URL"

_OURS = "# Written by Orderhouse at every start; without this line it is yours and stays.\n"
_POSTGRES = f"""
storage:
  postgres:
    postgres_url:
      env: {POSTGRES_VARIABLE}
"""
# A run holds the writer's lock from a moment after it has started to a moment before its end.
_STARTING = timedelta(seconds=60)
_ENDING_SECONDS = 3.0


def dagster_home(settings: Settings) -> Path:
    """Folder of the Dagster instance: DAGSTER_HOME or `.dagster/`, made when missing.

    Its `dagster.yaml` is written anew, storing in SQLite, or in PostgreSQL where
    DAGSTER_POSTGRES_URL is set; one that a person wrote stays.
    """
    home = Path(os.environ.get("DAGSTER_HOME") or settings.project_dir / ".dagster").absolute()
    home.mkdir(parents=True, exist_ok=True)
    wanted = _OURS + Path(__file__).with_name("dagster.yaml").read_text(encoding="utf-8")
    if os.environ.get(POSTGRES_VARIABLE):
        wanted += _POSTGRES
    file = home / "dagster.yaml"
    found = file.read_text(encoding="utf-8") if file.exists() else None
    if found is None or (found.startswith(_OURS) and found != wanted):
        draft = file.with_name(f".dagster.yaml.{os.getpid()}")
        draft.write_text(wanted, encoding="utf-8")
        draft.replace(file)
    return home


def end_dead_runs(
    instance: "dg.DagsterInstance",
    settings: Settings,
    now: datetime,
    *,
    is_writer: Callable[[str], bool],
) -> list[str]:
    """Record runs as failed whose process is gone; their ids.

    A run that was killed with its daemon stands as started for ever, keeps its place in the pool
    and the sensor from asking. `is_writer` says of a job's name whether its runs hold the writer's
    lock while they go on: one that has started and does not, while nobody does, is dead.
    """
    import dagster as dg

    suspects = _started(instance, now - _STARTING, is_writer)
    if not suspects or current_writer(settings):
        return []
    # Its last step is over and its last event not written yet: then it will be in a moment.
    time.sleep(_ENDING_SECONDS)
    if current_writer(settings):
        return []
    dead = [run for run in _started(instance, now - _STARTING, is_writer) if run in suspects]
    for run_id in dead:
        run = instance.get_run_by_id(run_id)
        if run is not None and run.status == dg.DagsterRunStatus.STARTED:
            instance.report_run_failed(run, "Its process is gone: it was killed, or the machine.")
    return dead


def _started(
    instance: "dg.DagsterInstance", before: datetime, is_writer: Callable[[str], bool]
) -> list[str]:
    import dagster as dg

    return [
        record.dagster_run.run_id
        for record in instance.get_run_records(
            dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])
        )
        if is_writer(record.dagster_run.job_name) and (record.start_time or 0) < before.timestamp()
    ]


def expire_runs(instance: "dg.DagsterInstance", home: Path, keep: int) -> int:
    """Delete runs that are over and not among the newest `keep`, with their events; how many.

    What was built and tested when stays in the warehouse's own schema audit.
    """
    import dagster as dg
    from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
    from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage

    over = [
        dg.DagsterRunStatus.SUCCESS,
        dg.DagsterRunStatus.FAILURE,
        dg.DagsterRunStatus.CANCELED,
    ]
    newest = instance.get_run_records(limit=keep)
    if len(newest) < keep:
        return 0
    oldest_kept = newest[-1].storage_id
    old = [
        record.dagster_run.run_id
        for record in instance.get_run_records(dg.RunsFilter(statuses=over))
        if record.storage_id < oldest_kept
    ]
    storage = instance.event_log_storage
    for run_id in old:
        instance.delete_run(run_id)
        if isinstance(storage, SqlEventLogStorage):
            with storage.index_connection() as connection:
                connection.execute(
                    AssetCheckExecutionsTable.delete().where(
                        AssetCheckExecutionsTable.c.run_id == run_id
                    )
                )
        # SQLite's store has a file for each run, which deleting the run leaves behind.
        for path in (home / "history" / "runs").glob(f"{run_id}.db*"):
            path.unlink()
    return len(old)
