"""dbt, run inside this process.

Belongs here: invoking dbt, its manifest, and what its results say in words. Does not: Dagster
(`dbt_assets.py`).

dbt's own `dbtRunner` instead of a `dbt` process per command: its imports are paid once, the project
is read once, and the lock of the writer (`warehouse.py`) is held by the very process that writes.
"""

import fcntl
import gc
import json
import multiprocessing
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.builds import project_fingerprint
from orchestration.pii_key import KEY_VARIABLE
from orchestration.settings import ConfigurationError, Settings

RESULTS = frozenset({"LogModelResult", "LogSeedResult", "LogSnapshotResult", "LogTestResult"})
"""Names of dbt's log events that tell how a model, seed, snapshot or test ended."""

_ERROR_CHARACTERS = 1000

# Folder and fingerprint of the project that was read last → its manifest as dbt has it in memory.
_parsed: dict[tuple[Path, str], Any] = {}


@dataclass(frozen=True)
class Failure:
    """One node of dbt that failed. `table` holds the failing rows of a test, if it kept them."""

    name: str
    kind: str
    rows: int | None
    message: str
    table: str | None

    def __str__(self) -> str:
        if self.kind == "test" and self.rows:
            text = f"{self.name}: {self.rows} row{'s' if self.rows > 1 else ''} failed"
            return f"{text}; see them in {self.table}" if self.table else text
        return f"{self.name}: {self.message}"


@dataclass(frozen=True)
class DbtRun:
    """How one invocation of dbt ended; `error` is set when it broke off before its end.

    `invocation_id` is dbt's, None when it wrote no results.
    """

    succeeded: bool
    invocation_id: str | None
    failures: tuple[Failure, ...]
    warnings: tuple[Failure, ...]
    error: str | None

    def reasons(self) -> str:
        """Why it failed, one line per failed test or model."""
        lines = [str(failure) for failure in self.failures]
        if self.error or not lines:
            lines.append(self.error or "dbt failed without saying why; see logs/dbt.log.")
        return "\n".join(lines)


def target_dir(settings: Settings) -> Path:
    """Where dbt writes what it makes: its own variable DBT_TARGET_PATH, or `target/`."""
    return settings.project_dir / os.environ.get("DBT_TARGET_PATH", "target")


def invoke(
    settings: Settings,
    args: list[str],
    on_event: Callable[[dict[str, Any]], None] | None = None,
    event_names: Collection[str] = RESULTS,
) -> DbtRun:
    """Run one dbt command and close its connections. No connection of ours may be open.

    Waits while another process runs dbt with the same target folder. `on_event` gets dbt's
    structured log events of the given names. dbt prints nothing; its log file stays.
    """
    # dbt's imports cost more than a second, which `status` need not pay.
    from dbt_common.events.functions import msg_to_dict

    def hear(message: Any) -> None:
        # Turning all that dbt tells of into dictionaries is dear.
        if on_event and message.info.name in event_names:
            on_event(msg_to_dict(message))

    with _target_lock(settings):
        project = (settings.project_dir, project_fingerprint(settings))
        if project not in _parsed:
            run = _parse(settings)
            if not run.succeeded:
                return run
        return _invoke(settings, args, _parsed[project], hear, event_names)[0]


def warm_up(settings: Settings) -> None:
    """Read the project and compile its macros, for later invocations here and in forks.

    A project that cannot be read is left to those to tell of. No thread is left running.
    """
    from dbt_common.clients.jinja import template_cache

    # dbt's parser starts threads, which a fork would not have. Of a project that another process
    # has parsed, it only reads what that one wrote down.
    parser = multiprocessing.get_context("fork").Process(target=invoke, args=(settings, ["parse"]))
    parser.start()
    parser.join()
    invoke(settings, ["parse"])
    for manifest in _parsed.values():
        for macro in manifest.macros.values():
            template_cache.get_node_template(macro)


def _parse(settings: Settings) -> DbtRun:
    project = (settings.project_dir, project_fingerprint(settings))
    run, manifest = _invoke(settings, ["parse"])
    _parsed.clear()
    if run.succeeded:
        _parsed[project] = manifest
    return run


def _invoke(
    settings: Settings,
    args: list[str],
    manifest: Any = None,
    hear: Callable[[Any], None] | None = None,
    event_names: Collection[str] = (),
) -> tuple[DbtRun, Any]:
    """How the command ended, and dbt's own result; `manifest` spares it reading the project."""
    from dbt.cli.main import dbtRunner

    results_file = target_dir(settings) / "run_results.json"
    results_file.unlink(missing_ok=True)
    options = ["--project-dir", str(settings.project_dir), "--log-level", "none"]
    try:
        with _environment(settings), spared(event_names):
            result = dbtRunner(manifest, [hear] if hear else []).invoke([*args, *options])
    finally:
        close_connections()
    error = None if result.exception is None else _shortened(str(result.exception))
    return read_results(results_file, result.success, error), result.result


def close_connections() -> None:
    """Close what dbt-duckdb keeps open, the lock on the file with it, until the process ends."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    environment = DuckDBConnectionManager._ENV
    DuckDBConnectionManager.close_all_connections()
    if environment is not None:
        environment.close()


@contextmanager
def _target_lock(settings: Settings) -> Iterator[None]:
    """dbt rewrites what is in its target folder piece by piece: one process at a time."""
    target_dir(settings).mkdir(parents=True, exist_ok=True)
    with (target_dir(settings) / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _environment(settings: Settings) -> Iterator[None]:
    """What profiles.yml asks for, and of dbt's own variables those of docs/configuration.md alone.

    Each of dbt's options has a variable: DBT_INDIRECT_SELECTION or DBT_EMPTY, set in a shell for
    another project, would have us publish what no test has seen.
    """
    values = {
        "DATA_DIR": str(settings.data_dir),
        "DBT_PROJECT_DIR": str(settings.project_dir),
        "DBT_PROFILES_DIR": str(settings.project_dir),
        "DBT_TARGET_PATH": str(target_dir(settings)),
        "DBT_LOG_PATH": os.environ.get("DBT_LOG_PATH", str(settings.project_dir / "logs")),
        # By default dbt writes each statement to it, which takes time; they stand in the target
        # folder, too.
        "DBT_LOG_LEVEL_FILE": os.environ.get("DBT_LOG_LEVEL_FILE", "info"),
    }
    known = {*values, KEY_VARIABLE}
    foreign = [name for name in os.environ if name.startswith("DBT_") and name not in known]
    before = {name: os.environ.get(name) for name in [*values, *foreign]}
    os.environ.update(values)
    for name in foreign:
        del os.environ[name]
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def spared(event_names: Collection[str] = ()) -> Iterator[None]:
    """Spare dbt what takes a fifth of the time of a small run and serves nobody.

    Python's garbage collector would look again and again through the project, half a million
    objects that stay until dbt ends; dbt would put into words each event that no log keeps.
    `event_names` are those that somebody hears all the same.
    """
    from dbt_common.events.event_manager_client import ctx_set_event_manager, get_event_manager

    from orchestration.dbt_events import HeardEvents

    events = get_event_manager()
    ctx_set_event_manager(HeardEvents(event_names))
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        ctx_set_event_manager(events)


def read_results(path: Path, succeeded: bool, error: str | None) -> DbtRun:
    """What a run_results.json says; it is missing when dbt did not get that far.

    Format: dbt's schema run-results v6.
    """
    if not path.exists():
        return DbtRun(succeeded, None, (), (), error)
    document = json.loads(path.read_text(encoding="utf-8"))
    results = document["results"]
    return DbtRun(
        succeeded,
        document["metadata"]["invocation_id"],
        tuple(_failure(r) for r in results if r["status"] in ("error", "fail", "runtime error")),
        tuple(_failure(r) for r in results if r["status"] == "warn"),
        error,
    )


def _failure(result: Mapping[str, Any]) -> Failure:
    kind, _, name = result["unique_id"].split(".")[:3]
    relation = result.get("relation_name")
    return Failure(
        name=name,
        kind=kind,
        rows=result.get("failures"),
        message=_shortened(result.get("message") or ""),
        table=relation.replace('"', "") if relation and kind == "test" else None,
    )


def _shortened(text: str) -> str:
    # What follows is the way through dbt's macros.
    lines = " ".join(text.split("\n  > in macro")[0].split())
    return lines if len(lines) <= _ERROR_CHARACTERS else lines[:_ERROR_CHARACTERS] + " …"


def prepare_manifest(settings: Settings) -> dict[str, Any]:
    """dbt's manifest, parsed anew when it is missing or the project changed since.

    Raises ConfigurationError with dbt's own words when the project does not parse.
    """
    manifest = target_dir(settings) / "manifest.json"
    stamp = target_dir(settings) / "manifest.fingerprint"
    wanted = project_fingerprint(settings)
    with _target_lock(settings):
        if not (manifest.exists() and stamp.exists() and stamp.read_text() == wanted):
            stamp.unlink(missing_ok=True)
            run = _parse(settings)
            if not run.succeeded:
                raise ConfigurationError(f"The dbt project does not parse: {run.reasons()}")
            stamp.write_text(wanted)
        return json.loads(manifest.read_text(encoding="utf-8"))
