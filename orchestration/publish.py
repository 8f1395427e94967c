"""The published copies: what readers open, swapped in whole.

Belongs here: writing a version of both editions, making it current, going back to an earlier one,
who may read what. Does not: which tables an edition has (`published_tables.py`), deciding that a
build may be published (`dbt_assets.py`).
"""

import os
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from orchestration.builds import create_changes
from orchestration.contracts import load_contracts
from orchestration.file_bytes import copy, sync
from orchestration.published_tables import Table, for_analysts, for_stewards, write_tables
from orchestration.settings import ConfigurationError, Settings
from orchestration.transaction import transaction
from orchestration.warehouse import is_damage

# Closing the gaps of replaced rows takes a third of the work of a version that changed little.
_TIDY_EVERY = 8
_READ_BY_ALL, _ENTERED_BY_ALL = 0o444, 0o755


@dataclass(frozen=True)
class Published:
    """One published version: its number, the analysts' file, and rows per table of that file.

    Tables are named as in `gold.dim_date`.
    """

    version: int
    path: Path
    tables: dict[str, int]


@dataclass(frozen=True)
class Edition:
    """One of the files that readers open, and its versions: where they are and who may read them.

    `group` (None: whatever the system gives) may read what is not for all.
    """

    folder: Path
    stem: str
    file_mode: int
    folder_mode: int
    group: str | None = None

    @property
    def current(self) -> Path:
        """What readers open."""
        return self.folder / f"{self.stem}.duckdb"

    @property
    def versions_folder(self) -> Path:
        return self.folder / "versions"

    def path(self, version: int) -> Path:
        return self.versions_folder / f"{self.stem}_{version:06}.duckdb"

    def unfinished(self, version: int) -> Path:
        """Where a version is written."""
        return self.versions_folder / f".{self.path(version).name}"

    def versions(self) -> dict[int, Path]:
        """Version number → file, oldest first."""
        name = re.compile(rf"{self.stem}_(\d{{6,}})\.duckdb\Z")
        found = {}
        with suppress(FileNotFoundError):
            for path in self.versions_folder.iterdir():
                if match := name.match(path.name):
                    found[int(match[1])] = path
        return dict(sorted(found.items()))

    def prepare(self) -> None:
        """Make the folders, closed to whom they are not for, without what a crash left in them."""
        for folder in (self.folder, self.versions_folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._set_access(folder, self.folder_mode)
            for leftover in folder.glob(".*"):
                leftover.unlink()

    def settle(self, unfinished: Path, path: Path) -> None:
        """Give a finished file its name: after a power cut it is there whole or not at all."""
        self._set_access(unfinished, self.file_mode)
        sync(unfinished)
        unfinished.replace(path)
        sync(path.parent)

    def swap_in(self, version: int) -> None:
        """Let readers see a version; what has the old file open keeps reading it.

        Whoever opens the current file for writing must harm no version. The mode keeps out
        everybody but root, so that a link will do; of what root publishes, readers get a copy as
        soon as there is one.
        """
        unfinished = self.folder / f".{self.stem}.duckdb"
        unfinished.unlink(missing_ok=True)
        os.link(self.path(version), unfinished)
        unfinished.replace(self.current)
        # A crash may have left the current file a link to this very version: then both names stay.
        unfinished.unlink(missing_ok=True)
        sync(self.folder)
        if os.geteuid() == 0:
            copy(self.path(version), unfinished)
            self.settle(unfinished, self.current)
        # Left by somebody who opened the old file for writing; it is not the new one's.
        self.current.with_name(f"{self.current.name}.wal").unlink(missing_ok=True)

    def _set_access(self, path: Path, mode: int) -> None:
        if self.group is not None:
            try:
                shutil.chown(path, group=self.group)
            except (LookupError, PermissionError) as error:
                raise ConfigurationError(
                    f"STEWARD_GROUP is {self.group!r}, which {path} cannot be given to: {error}"
                ) from None
        path.chmod(mode)


def analyst_edition(settings: Settings) -> Edition:
    """What everybody may read: masked."""
    return Edition(settings.published, "orderhouse", _READ_BY_ALL, _ENTERED_BY_ALL)


def steward_edition(settings: Settings) -> Edition:
    """What stewards need of people: for the owner and the group STEWARD_GROUP alone."""
    group = settings.steward_group
    modes = (0o440, 0o750) if group else (0o400, 0o700)
    return Edition(settings.published / "steward", "orderhouse_steward", *modes, group)


def current_file(settings: Settings) -> Path:
    """What analysts open."""
    return analyst_edition(settings).current


def versions(settings: Settings) -> dict[int, Path]:
    """Version number → the analysts' file, oldest first."""
    return analyst_edition(settings).versions()


def current_version(settings: Settings) -> int | None:
    """Number of the version that readers see; None when nothing was published."""
    if not current_file(settings).exists():
        return None
    with read_published(settings) as connection:
        return connection.execute("select version from audit.published").fetchone()[0]


@contextmanager
def read_published(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to what analysts see; ConfigurationError when it turns out to be damaged."""
    with (
        damage_of_published(settings),
        duckdb.connect(current_file(settings), read_only=True) as connection,
    ):
        yield connection


@contextmanager
def damage_of_published(settings: Settings) -> Iterator[None]:
    """Damage that DuckDB tells of inside is one of what analysts see: ConfigurationError."""
    try:
        yield
    except duckdb.Error as error:
        if not is_damage(str(error)):
            raise
        raise ConfigurationError(
            f"The published file {current_file(settings)} is damaged ({error}). Name a version that"
            f" readers shall see (rollback N; {_kept(settings)}), or remove the newest version and"
            " publish it anew (run --force). See docs/runbook.md: The published file is damaged."
        ) from None


def publish(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    run_id: str,
    *,
    made: Path | None = None,
) -> Published:
    """Write gold, audit and the non-personal part of silver to a new version and swap it in.

    The stewards' edition gets the same version. A table costs what changed in it, and the copy of
    its bytes. Nothing is taken from the version before when tables were built whole since: in a
    copy's pages would stay what readers must see no more, such as a column marked personal. Nor
    with `made`, a file that has what the warehouse's tables for analysts hold now. `connection` is
    one to the warehouse, of the only writer; `run_id` names the build. A crash at any moment leaves
    the version that readers see as it was; its unfinished files are removed by the next call.
    """
    create_changes(connection)
    last = _last_published(connection)
    version = max([last, *versions(settings)]) + 1
    contracts = load_contracts(settings.contracts_file)
    analyst, steward = analyst_edition(settings), steward_edition(settings)
    is_rebuilt = _is_rebuilt(connection)

    def write(edition: Edition, tables: list[Table]) -> dict[str, int]:
        path = edition.unfinished(version)
        base = None if is_rebuilt else edition.versions().get(last)
        if made:
            base = made if edition == analyst else None
        with connection.cursor() as cursor:
            if base:
                copy(base, path)
                try:
                    return _write(cursor, path, version, run_id, tables, are_equal=bool(made))
                except duckdb.Error as error:
                    # The warehouse has all of a version that is damaged.
                    if not is_damage(str(error)):
                        raise
                    path.unlink()
            return _write(cursor, path, version, run_id, tables, are_equal=False)

    for edition in (analyst, steward):
        edition.prepare()
    with _as_draft(connection, version), ThreadPoolExecutor() as pool:
        rows = pool.submit(write, analyst, for_analysts(connection))
        pool.submit(write, steward, for_stewards(connection, contracts)).result()
        rows = rows.result()
    # The analysts' file last: what it says is the current version.
    for edition in (steward, analyst):
        edition.settle(edition.unfinished(version), edition.path(version))
    for edition in (steward, analyst):
        edition.swap_in(version)
    _record(connection, version, run_id)
    expire_versions(settings)
    return Published(version, analyst.path(version), rows)


def expire_versions(settings: Settings, now: datetime | None = None) -> list[int]:
    """Remove versions that are too many or too old (`Settings`); their numbers.

    What readers see, the newest and the one that `rollback` goes back to always stay. Of the
    only writer.
    """
    kept = versions(settings)
    current = current_version(settings)
    before = [number for number in kept if current is None or number < current]
    needed = {current, *list(kept)[-1:], *before[-1:]}
    too_many = set(list(kept)[: -settings.versions_kept])
    oldest = 0.0
    if settings.versions_kept_days:
        days = timedelta(days=settings.versions_kept_days)
        oldest = ((now or datetime.now(UTC)) - days).timestamp()
    expired = [
        number
        for number, path in kept.items()
        if number not in needed and (number in too_many or path.stat().st_mtime < oldest)
    ]
    for edition in (steward_edition(settings), analyst_edition(settings)):
        for number, path in edition.versions().items():
            if number in expired:
                path.unlink()
    return expired


def rollback(settings: Settings, version: int | None = None) -> int:
    """Make `version` (default: the one before the current) what readers see; return it.

    Raises ConfigurationError when there is no such version, or when none is named and the current
    file does not say which one it is. The next build that has something new to say publishes over
    it.
    """
    kept = versions(settings)
    if version is None:
        current = current_version(settings)
        earlier = [number for number in kept if current is None or number < current]
        if not earlier:
            raise ConfigurationError(
                f"There is no version before the current one ({current}); {_kept(settings)}."
            )
        version = earlier[-1]
    if version not in kept:
        raise ConfigurationError(f"There is no version {version}; {_kept(settings)}.")
    steward = steward_edition(settings)
    if version in steward.versions():
        steward.swap_in(version)
    else:
        # Published before there were stewards: of another version they would see other people.
        steward.current.unlink(missing_ok=True)
    analyst_edition(settings).swap_in(version)
    return version


def _kept(settings: Settings) -> str:
    return f"kept are {', '.join(map(str, versions(settings))) or 'none'}"


def forget_versions_before(settings: Settings, version: int) -> None:
    """Remove all versions before one, of both editions: nobody can go back to them."""
    for edition in (analyst_edition(settings), steward_edition(settings)):
        for number, path in edition.versions().items():
            if number < version:
                path.unlink()


def _last_published(connection: duckdb.DuckDBPyConnection) -> int:
    return connection.execute(
        "select coalesce(max(published_version), 0) from audit.builds"
    ).fetchone()[0]


def _is_rebuilt(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether a table was built whole since the last version, as all are by another code."""
    return bool(
        connection.execute(
            "from changes.written inner join changes.read as marks"
            " on written.model = marks.input and written.number > marks.number"
            " where marks.model = 'published' and written.is_whole limit 1"
        ).fetchone()
    )


def _write(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    version: int,
    run_id: str,
    tables: list[Table],
    *,
    are_equal: bool,
) -> dict[str, int]:
    """Bring the copy of an earlier version, or the new file, at `path` up to date."""
    name = f'"{path.name}"'
    # Nothing reads the file before its one checkpoint: it needs no log of its own.
    connection.execute(
        f"attach '{str(path).replace(chr(39), chr(39) * 2)}' as {name}"
        " (recovery_mode no_wal_writes)"
    )
    try:
        rows = write_tables(connection, name, tables, are_equal=are_equal)
        connection.execute(f"create schema if not exists {name}.audit")
        connection.execute(
            f"create or replace table {name}.audit.published as select ?::bigint as version,"
            " build_id, ?::timestamp as published_at, as_of_date from audit.builds"
            " where run_id = ?",
            [version, datetime.now(UTC).replace(tzinfo=None), run_id],
        )
        if "audit.builds" in rows:
            connection.execute(
                f"update {name}.audit.builds set status = 'published', published_version = ?"
                " where run_id = ?",
                [version, run_id],
            )
        # What a thread has committed may still be about to end: waits for it.
        connection.execute(f"force checkpoint {name}")
        return rows
    finally:
        connection.execute(f"detach {name}")


@contextmanager
def _as_draft(connection: duckdb.DuckDBPyConnection, version: int) -> Iterator[None]:
    """Let DuckDB neither sync nor checkpoint after each statement, nor tidy up in each version.

    Nobody sees what it writes meanwhile before it is whole, checkpointed and synced, once.
    """
    wanted = {"fsync_mode": "NONE", "checkpoint_threshold": "1TB"}
    if version % _TIDY_EVERY:
        wanted["max_vacuum_tasks"] = "0"
    before = {
        name: connection.execute(f"select current_setting('{name}')").fetchone()[0]
        for name in wanted
    }
    try:
        for name, value in wanted.items():
            connection.execute(f"set {name} = '{value}'")
        yield
    finally:
        for name, value in before.items():
            connection.execute(f"set {name} = '{value}'")


def _record(connection: duckdb.DuckDBPyConnection, version: int, run_id: str) -> None:
    """Note, at once, that the build is published and up to where its version has each log."""
    with transaction(connection):
        connection.execute(
            "update audit.builds set status = 'published', published_version = ? where run_id = ?",
            [version, run_id],
        )
        connection.execute("delete from changes.read where model = 'published'")
        connection.execute(
            "insert into changes.read"
            " select 'published', model, max(number) from changes.written group by model"
        )
