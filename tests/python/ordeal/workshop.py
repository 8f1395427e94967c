"""Where streams happen: one copy of the project, parsed once, and warehouses beside it.

Belongs here: making an event happen with the real loader and the real dbt, killing builds. Does
not: which events (`streams.py`), what must hold afterwards (`sequence.py`).

Importing dbt and parsing the project cost more than a build of this little data. Both are done
once; builds then happen in a fork of this process, which a build may kill.
"""

import multiprocessing
import os
import shutil
import signal
import threading
import traceback
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from warehouse import PII_KEY, Warehouse, environment

from orchestration.affected import affected_models
from orchestration.builds import fingerprint, project_fingerprint, what_changed
from orchestration.dbt_runner import close_connections, spared
from orchestration.loader.load import connect
from orchestration.loader.retract import restore, retract
from ordeal.streams import (
    FULL_FEEDS,
    BringBack,
    Build,
    Deliver,
    Event,
    Load,
    Lookup,
    TakeBack,
)

SOURCES = "models/bronze/_bronze__sources.yml"
_FORK = multiprocessing.get_context("fork")
_WITHOUT_TESTS = ("build", "--exclude-resource-type", "test", "unit_test")
_TESTS = ("test", "--exclude-resource-type", "unit_test")
# dbt's events by which a build is killed at a statement.
_STATEMENTS = ("SQLQuery",)


class Failed(Exception):
    """A build, a test or a load failed; the message says which and how."""


@dataclass(frozen=True)
class _Result:
    """What a child that ran dbt has to say: statements sent, and what failed in words."""

    statements: int
    failures: tuple[str, ...]


class Workshop:
    """A project with its manifest, and warehouses by name in one folder."""

    def __init__(self, folder: Path, *, is_full: bool) -> None:
        self._folder = folder
        first = Warehouse.with_own_project(folder)
        self._project = first.settings.project_dir
        self._seeds = {
            path: path.read_text(encoding="utf-8")
            for path in (self._project / "seeds").glob("*.csv")
        }
        if is_full:
            # The guard of lists that delete too much would hold files back; it has its own tests.
            for feed in FULL_FEEDS:
                key = f"key: [{feed[:-1].removesuffix('e')}_id]\n"
                option = f"{key}              extract: full\n              max_deleted_ratio: 1\n"
                first.edit(SOURCES, key, option)
        self._dbt = self._parse(first)
        self._child: tuple[BaseProcess, Connection] | None = None
        self._built_from: dict[Path, str] = {}
        self.kills = self.builds = self.builds_by_keys = 0

    def _parse(self, warehouse: Warehouse) -> Any:
        from dbt.cli.main import dbtRunner

        with environment(**self._variables(warehouse)):
            parsed = dbtRunner().invoke(["parse", *self._options(warehouse)])
        if not parsed.success:
            raise Failed(f"The project does not parse: {parsed.exception}")
        self._manifest = parsed.result.to_dict(omit_none=False)
        return dbtRunner(manifest=parsed.result)

    def _variables(self, warehouse: Warehouse) -> dict[str, str]:
        return {
            "DATA_DIR": str(warehouse.settings.data_dir),
            "DBT_PROJECT_DIR": str(self._project),
            "DBT_ENV_SECRET_PII_KEY": PII_KEY,
        }

    def _options(self, warehouse: Warehouse) -> list[str]:
        scratch = warehouse.settings.data_dir / "dbt"
        options = ["--project-dir", str(self._project), "--profiles-dir", str(self._project)]
        options += ["--target-path", str(scratch), "--log-path", str(scratch)]
        return [*options, "--quiet", "--no-write-json", "--log-level-file", "none"]

    def fresh(self, name: str) -> Warehouse:
        """An empty warehouse of that name."""
        shutil.rmtree(self._folder / name, ignore_errors=True)
        self._built_from.pop(self._folder / name, None)
        return Warehouse.at(self._folder / name, self._project)

    def copy(self, warehouse: Warehouse, name: str) -> Warehouse:
        """A warehouse of that name with the same DuckDB file; landing and archive stay behind."""
        copied = self.fresh(name)
        copied.settings.warehouse.parent.mkdir(parents=True)
        shutil.copy(warehouse.settings.warehouse, copied.settings.warehouse)
        return copied

    def reset_lookups(self) -> None:
        """Give the project its own seeds back."""
        for path, text in self._seeds.items():
            path.write_text(text, encoding="utf-8")

    def run(self, warehouse: Warehouse, events: Iterable[Event]) -> None:
        """Make events happen. Raises Failed when a load or a build fails."""
        for event in events:
            match event:
                case Deliver(name, content):
                    if (warehouse.settings.landing / name).exists():
                        _load(warehouse)
                    warehouse.drop(name, content)
                case Load():
                    _load(warehouse)
                case TakeBack(target):
                    _load(warehouse)
                    _decide(warehouse, retract, target)
                case BringBack(target):
                    _load(warehouse)
                    _decide(warehouse, restore, target)
                case Lookup(seed, content):
                    path = self._project / "seeds" / f"{seed}.csv"
                    path.write_text(content, encoding="utf-8")
                case Build(dies_at, after_ms):
                    self.build(warehouse, dies_at=dies_at, after_ms=after_ms)

    def build(
        self, warehouse: Warehouse, *options: str, dies_at: int | None = None, after_ms: int = 0
    ) -> None:
        """Load and build what is affected, without tests. Raises Failed when a model fails."""
        _load(warehouse)
        settings = warehouse.settings
        with closing(connect(settings)) as connection:
            now = fingerprint(connection, project_fingerprint(settings))
        before = self._built_from.pop(settings.data_dir, None)
        changed = what_changed(before, now) if before and not options else None
        if changed:
            options = ("--select", *affected_models(self._manifest, changed))
        if self._invoke(warehouse, [*_WITHOUT_TESTS, *options], dies_at, after_ms):
            self._built_from[settings.data_dir] = now
            by_keys = "select count(*) > 0 from changes.written where not is_whole"
            self.builds_by_keys += warehouse.ask(by_keys)[0][0]
        self.builds += 1

    def test(self, warehouse: Warehouse) -> None:
        """Run every data test. Raises Failed with the names of those that fail."""
        self._invoke(warehouse, [*_TESTS], None, 0)

    def _invoke(
        self, warehouse: Warehouse, command: list[str], dies_at: int | None, after_ms: int
    ) -> bool:
        """Run dbt in the child; whether it lived to its end."""
        child, pipe = self._child or self._begin_child()
        pipe.send((warehouse, command, dies_at, after_ms))
        try:
            result: _Result = pipe.recv()
        except EOFError:
            child.join()
            self._child = None
            if child.exitcode != -signal.SIGKILL or dies_at is None:
                raise Failed(f"dbt {command[0]} ended with status {child.exitcode}") from None
            self.kills += 1
            return False
        if result.failures:
            raise Failed(f"dbt {command[0]} failed:\n" + "\n".join(result.failures))
        return True

    def _begin_child(self) -> tuple[BaseProcess, Connection]:
        """A fork that runs dbt as often as it is asked to, until a build kills it."""
        ours, theirs = _FORK.Pipe()

        def serve() -> None:
            ours.close()
            with spared(_STATEMENTS), suppress(EOFError):
                while True:
                    theirs.send(self._in_child(*theirs.recv()))

        child = _FORK.Process(target=serve, daemon=True)
        child.start()
        theirs.close()
        self._child = (child, ours)
        return self._child

    def _in_child(
        self, warehouse: Warehouse, command: list[str], dies_at: int | None, after_ms: int
    ) -> _Result:
        statements = 0
        death = threading.Timer(after_ms / 1000, os.kill, (os.getpid(), signal.SIGKILL))

        def count(event: Any) -> None:
            nonlocal statements
            if event.info.name in _STATEMENTS:
                statements += 1
                if statements == dies_at and after_ms == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                if statements == dies_at:
                    death.start()

        try:
            self._dbt.callbacks = [count]
            with environment(**self._variables(warehouse)):
                outcome = self._dbt.invoke([*command, *self._options(warehouse)])
        except BaseException:
            return _Result(statements, (traceback.format_exc(),))
        finally:
            death.cancel()
            close_connections()
        if outcome.success:
            return _Result(statements, ())
        if outcome.exception is not None:
            return _Result(statements, (str(outcome.exception),))
        failures = [
            f"{result.node.name}: {result.message} ({result.failures} rows)"
            for result in outcome.result
            if result.status in ("error", "fail", "runtime error")
        ]
        return _Result(statements, tuple(failures))


def _load(warehouse: Warehouse) -> None:
    failed = [file for file in warehouse.load().files if file.status in ("failed", "held")]
    if failed:
        raise Failed(f"the load failed: {failed}")


def _decide(warehouse: Warehouse, decide: Any, target: str) -> None:
    """Retract or restore, if there is anything to."""
    with closing(connect(warehouse.settings)) as connection, suppress(LookupError):
        decide(connection, target, "the ordeal")
