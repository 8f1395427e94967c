"""Named points at which a run is killed, and a run that can be killed there.

Belongs here: the steps of a run without Dagster around them (the daemon has a test of its own), in
a fork of this process with the machinery of the point put in. Does not: assertions. Nothing in
production code knows of this: a point replaces functions in the child alone.
"""

import os
import signal
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb

from orchestration import bronze, publish
from orchestration.builds import begin_build, fingerprint, finish_build, project_fingerprint
from orchestration.contracts import load_contracts
from orchestration.dbt_runner import RESULTS, invoke
from orchestration.loader import deliveries, load
from orchestration.loader.ledger import Ledger
from orchestration.loader.load import connect
from orchestration.settings import Settings
from orchestration.warehouse import writer_lock

# A few tests stand for all: what a build tests is no part of what a crash may harm.
_BUILD = ["build", "--exclude-resource-type", "unit_test", "--exclude", "test_type:generic"]


def run_steps(settings: Settings, on_event: Callable[[dict[str, Any]], None] | None = None) -> None:
    """Load, build, test, publish, as the assets do it. Raises RuntimeError when dbt fails."""
    contracts = load_contracts(settings.contracts_file)
    with writer_lock(settings, print):
        run_id = f"run {os.urandom(4).hex()}"
        bronze.load(settings, contracts, run_id, wait_for_settling=False, report=print)
        with closing(connect(settings)) as connection:
            begin_build(connection, run_id)
        outcome = invoke(settings, _BUILD, on_event, {"SQLQuery", *RESULTS})
        with closing(connect(settings)) as connection:
            status = "built" if outcome.succeeded else "failed"
            finish_build(
                connection,
                run_id,
                status,
                build_id=outcome.invocation_id,
                fingerprint=fingerprint(connection, project_fingerprint(settings)),
            )
            if not outcome.succeeded:
                raise RuntimeError(outcome.reasons())
            publish.publish(connection, settings, run_id)


def run_in_child(settings: Settings, point: str | None = None) -> bool:
    """Run in a fork that is killed at `point`; whether it came to its end."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            run_steps(settings, POINTS[point]() if point else None)
            code = 0
        except BaseException:
            traceback.print_exc()
        os._exit(code)
    status = os.waitpid(child, 0)[1]
    if status not in (0, signal.SIGKILL):
        raise RuntimeError(f"The run ended with status {status}.")
    return status == 0


def die(*_: Any, **__: Any) -> None:
    """Be gone, as with a power cut: nothing is closed, flushed or said."""
    os.kill(os.getpid(), signal.SIGKILL)


def _before(holder: Any, name: str) -> Callable[[], None]:
    """Die instead of calling a function."""
    return lambda: setattr(holder, name, die)


def _after(holder: Any, name: str, times: int = 1) -> Callable[[], None]:
    """Die once a function has returned for the given time."""

    def put_in() -> None:
        function, left = getattr(holder, name), times

        def dying(*arguments: Any, **keywords: Any) -> Any:
            nonlocal left
            result = function(*arguments, **keywords)
            left -= 1
            return die() if left == 0 else result

        setattr(holder, name, dying)

    return put_in


def _around_commit(*, is_before: bool) -> Callable[[], None]:
    """Die before, or just after, the commit of a file's transaction."""

    def put_in() -> None:
        transaction = Ledger.transaction

        @contextmanager
        def dying(ledger: Ledger) -> Any:
            with transaction(ledger):
                yield
                if is_before:
                    die()
            die()

        Ledger.transaction = dying

    return put_in


def _at_event(name: str, node: str = "", sql: str = "") -> Callable[[], Callable]:
    """Die when dbt tells of an event of a node, or is about to send a statement of it."""

    def listen() -> Callable[[dict[str, Any]], None]:
        def on_event(event: dict[str, Any]) -> None:
            data = event["data"]
            of_node = data.get("node_info", {}).get("node_name", "").startswith(node)
            if event["info"]["name"] == name and of_node and sql in data.get("sql", "").lower():
                die()

        return on_event

    return listen


POINTS: dict[str, Callable[[], Callable | None]] = {
    "while a file is read": _after(deliveries, "read"),
    "before a file is committed": _around_commit(is_before=True),
    "between commit and move": _around_commit(is_before=False),
    "between two files": _after(os, "rename", 2),
    "between a reason and its file": _after(Path, "replace"),
    "between the last move and the notes": _before(load, "write_notes"),
    "between load and dbt": _before(bronze, "count_loaded"),
    "between two models": _at_event("LogModelResult", "orders"),
    "within a model's transaction": _at_event("SQLQuery", "fact_sales", "insert into"),
    "within a snapshot": _at_event("SQLQuery", "customers_history", "insert into"),
    "between two snapshots": _at_event("LogSnapshotResult"),
    "between two tests": _at_event("LogTestResult"),
    "between dbt and publishing": _before(publish, "publish"),
    "while a version is written": _after(publish, "write_tables"),
    "between a version and the swap": _before(publish.Edition, "swap_in"),
    "between the swaps of two editions": _after(publish.Edition, "swap_in"),
    "between the swap and its record": _before(publish, "_record"),
    "between the record and the end": _before(publish, "expire_versions"),
}


def gold(path: Path) -> dict[str, tuple]:
    """Table of gold → a fingerprint of its rows, whatever their order."""
    with closing(duckdb.connect(path, read_only=True)) as reader:
        names = reader.execute(
            "select table_name from information_schema.tables where table_schema = 'gold'"
        ).fetchall()
        return {
            name: reader.execute(
                f"select count(*), sum(hash(gold_rows)::hugeint) from gold.{name} as gold_rows"
            ).fetchone()
            for (name,) in names
        }


def files(settings: Settings) -> Counter:
    """How often content lies in landing, archive or discarded: (folder, sha256) → files."""
    return Counter(
        (folder.name, sha256(path.read_bytes()).hexdigest())
        for folder in (settings.landing, settings.archive, settings.discarded)
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(".reason.json")
    )
