"""The Dagster instance: where it is, what it stores in, and for how long.

Belongs here: DAGSTER_HOME and its configuration, runs and their events that are too old. Does not:
what runs (`automation.py`).
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.settings import ConfigurationError, Settings

if TYPE_CHECKING:
    import dagster as dg

POSTGRES_VARIABLE = "DAGSTER_POSTGRES_URL"

# SQLite takes some 30,000 parameters.
_RUNS_AT_ONCE = 10_000
_OURS = "# Written by Orderhouse at every start; without this line it is yours and stays.\n"
_SQLITE = """
# Dagster's default, with one engine per file (see the module).
event_log_storage:
  module: orchestration.event_log
  class: EventLog
  config:
    dagster_home:
      env: DAGSTER_HOME
"""
_DRIVERLESS = re.compile(r"\Apostgres(ql)?://")
_POSTGRES = f"""
storage:
  postgres:
    postgres_url:
      env: {POSTGRES_VARIABLE}
"""


def dagster_home(settings: Settings) -> Path:
    """Folder of the Dagster instance: DAGSTER_HOME or `.dagster/`, made when missing.

    Its `dagster.yaml` is written anew, storing in SQLite, or in PostgreSQL where
    DAGSTER_POSTGRES_URL is set; one that a person wrote stays. From then on the environment names
    folder and driver: dagster.yaml reads them there.
    """
    home = Path(os.environ.get("DAGSTER_HOME") or settings.project_dir / ".dagster").absolute()
    os.environ["DAGSTER_HOME"] = str(home)
    home.mkdir(parents=True, exist_ok=True)
    wanted = _OURS + Path(__file__).with_name("dagster.yaml").read_text(encoding="utf-8")
    url = os.environ.get(POSTGRES_VARIABLE)
    if url:
        # Without a driver SQLAlchemy takes another one than Dagster brings along.
        os.environ[POSTGRES_VARIABLE] = _DRIVERLESS.sub("postgresql+psycopg2://", url)
    wanted += _POSTGRES if url else _SQLITE
    file = home / "dagster.yaml"
    found = file.read_text(encoding="utf-8") if file.exists() else None
    if found is None or (found.startswith(_OURS) and found != wanted):
        draft = file.with_name(f".dagster.yaml.{os.getpid()}")
        draft.write_text(wanted, encoding="utf-8")
        draft.replace(file)
    return home


@contextmanager
def open_instance(settings: Settings) -> "Iterator[dg.DagsterInstance]":
    """The instance; its tables are made when missing, by one process at a time.

    Raises ConfigurationError when DAGSTER_POSTGRES_URL is wrong or nothing answers there.
    """
    import dagster as dg
    from dagster_postgres.utils import DagsterPostgresException
    from sqlalchemy.exc import SQLAlchemyError

    home = dagster_home(settings)
    with ExitStack() as stack:
        with (home / "stores.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                instance = stack.enter_context(dg.DagsterInstance.from_config(str(home)))
            except (DagsterPostgresException, SQLAlchemyError, ImportError) as error:
                if not os.environ.get(POSTGRES_VARIABLE):
                    raise
                # The address has a password, and is not said.
                raise ConfigurationError(
                    f"Dagster cannot store its runs where {POSTGRES_VARIABLE} says:"
                    f" {type(error).__name__}. Is it postgresql://user:password@host/database, and"
                    " does that database answer? Without the variable runs are stored in"
                    f" {home}."
                ) from None
        yield instance


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
    for run_id in old:
        instance.delete_run(run_id)
        # SQLite's store has a file for each run, which deleting the run leaves behind.
        for end in ("", "-wal", "-shm", "-journal"):
            (home / "history" / "runs" / f"{run_id}.db{end}").unlink(missing_ok=True)
    storage = instance.event_log_storage
    if old and isinstance(storage, SqlEventLogStorage):
        # Many at once: no index of Dagster's helps to find those of a run.
        run_ids = AssetCheckExecutionsTable.c.run_id
        with storage.index_connection() as connection:
            for start in range(0, len(old), _RUNS_AT_ONCE):
                some = old[start : start + _RUNS_AT_ONCE]
                connection.execute(AssetCheckExecutionsTable.delete().where(run_ids.in_(some)))
    return len(old)
