"""The published copy: what readers open, swapped in whole.

Belongs here: writing a version, making it current, going back to an earlier one. Does not:
deciding that a build may be published (`dbt_assets.py`).
"""

import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.builds import create_changes
from orchestration.settings import ConfigurationError, Settings

VERSIONS_KEPT = 5

_VERSION_FILE = re.compile(r"orderhouse_(\d{6,})\.duckdb\Z")
_READABLE_BY_ALL = 0o644


@dataclass(frozen=True)
class Published:
    """One published version: its number, its file, and rows per table (`gold.dim_date`: 8035)."""

    version: int
    path: Path
    tables: dict[str, int]


def current_file(settings: Settings) -> Path:
    """What readers open."""
    return settings.published / "orderhouse.duckdb"


def versions(settings: Settings) -> dict[int, Path]:
    """Version number → file, oldest first."""
    found = {}
    with suppress(FileNotFoundError):
        for path in _versions_folder(settings).iterdir():
            if match := _VERSION_FILE.match(path.name):
                found[int(match[1])] = path
    return dict(sorted(found.items()))


def current_version(settings: Settings) -> int | None:
    """Number of the version that readers see; None when nothing was published."""
    if not current_file(settings).exists():
        return None
    with duckdb.connect(current_file(settings), read_only=True) as connection:
        return connection.execute("select version from audit.published").fetchone()[0]


def publish(connection: duckdb.DuckDBPyConnection, settings: Settings, run_id: str) -> Published:
    """Write gold, audit and the non-personal part of silver to a new version and swap it in.

    A table whose changed keys are logged costs what changed in it, and the copy of its bytes.
    `connection` is one to the warehouse, of the only writer; `run_id` names the build. A crash at
    any moment leaves the version that readers see as it was; its unfinished file is removed by the
    next call.
    """
    create_changes(connection)
    folder = _versions_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in [*folder.glob(".*"), *settings.published.glob(".*")]:
        leftover.unlink()

    version = max([_last_published(connection), *versions(settings)]) + 1
    path = folder / f"orderhouse_{version:06}.duckdb"
    unfinished = folder / f".{path.name}"
    base = versions(settings).get(_last_published(connection))
    tables = _write(connection, unfinished, version, run_id, base)
    _settle(unfinished, path)
    _swap_in(settings, path)
    _record(connection, version, run_id)
    for old in list(versions(settings).values())[:-VERSIONS_KEPT]:
        old.unlink()
    return Published(version, path, tables)


def rollback(settings: Settings, version: int | None = None) -> int:
    """Make `version` (default: the one before the current) what readers see; return it.

    Raises ConfigurationError when there is no such version. The next build that has something
    new to say publishes over it.
    """
    kept = versions(settings)
    current = current_version(settings)
    if version is None:
        earlier = [number for number in kept if current is None or number < current]
        if not earlier:
            raise ConfigurationError(
                f"There is no version before the current one ({current}). "
                f"Kept are: {', '.join(map(str, kept)) or 'none'}."
            )
        version = earlier[-1]
    if version not in kept:
        raise ConfigurationError(
            f"Version {version} is not kept. Kept are: {', '.join(map(str, kept)) or 'none'}."
        )
    _swap_in(settings, kept[version])
    return version


def _versions_folder(settings: Settings) -> Path:
    return settings.published / "versions"


def _last_published(connection: duckdb.DuckDBPyConnection) -> int:
    return connection.execute(
        "select coalesce(max(published_version), 0) from audit.builds"
    ).fetchone()[0]


def _write(
    connection: duckdb.DuckDBPyConnection, path: Path, version: int, run_id: str, base: Path | None
) -> dict[str, int]:
    """Write a version to `path`: a copy of `base`, the one before, brought up to date."""
    if base:
        shutil.copyfile(base, path)
    connection.execute(f"attach '{str(path).replace(chr(39), chr(39) * 2)}' as published")
    try:
        relations = _relations(connection, "current_database()")
        outdated = set(_relations(connection, "'published'")) - set(relations)
        for schema, name in outdated:
            connection.execute(f'drop table published."{schema}"."{name}"')
        for schema, name in relations:
            _write_table(connection, schema, name, in_base=base is not None)
        connection.execute(
            "update published.audit.builds set status = 'published', published_version = ?"
            " where run_id = ?",
            [version, run_id],
        )
        connection.execute(
            "create table published.audit.published as select ?::bigint as version,"
            " build_id, ?::timestamp as published_at, as_of_date"
            " from published.audit.builds where run_id = ?",
            [version, datetime.now(UTC).replace(tzinfo=None), run_id],
        )
        connection.execute("checkpoint published")
        return {
            f"{schema}.{name}": connection.execute(
                f'select count(*) from published."{schema}"."{name}"'
            ).fetchone()[0]
            for schema, name in relations
        }
    finally:
        connection.execute("detach published")


def _relations(connection: duckdb.DuckDBPyConnection, database: str) -> list[tuple[str, str]]:
    """Schema and name of what is published of a database (SQL that names it)."""
    return connection.execute(
        "select table_schema, table_name from information_schema.tables"
        f" where table_catalog = {database}"
        " and table_schema in ('gold', 'silver', 'audit')"
        # Staging has a row for all that ever landed: it is for the pipeline's own people.
        " and not (table_schema = 'silver' and starts_with(table_name, 'stg_'))"
        " order by all"
    ).fetchall()


def _write_table(
    connection: duckdb.DuckDBPyConnection, schema: str, name: str, *, in_base: bool
) -> None:
    """Bring one table of the new version up to date: by its log of changed keys, or whole."""
    source, target = f'"{schema}"."{name}"', f'published."{schema}"."{name}"'
    log = _log_since_published(connection, name) if in_base else None
    if log is None:
        connection.execute(f'create schema if not exists published."{schema}"')
        connection.execute(f"create or replace table {target} as from {source}")
        return
    key, mark = log
    changed = f"({key}) in (select {key} from changes.{name} where number > {mark})"
    connection.execute(f"delete from {target} where {changed}")
    connection.execute(f"insert into {target} by name from {source} where {changed}")


def _log_since_published(
    connection: duckdb.DuckDBPyConnection, name: str
) -> tuple[str, int] | None:
    """Key columns of a table's log and the number up to which the last version has it.

    None where there is no such log: the table is small or no incremental model, was built whole
    since, or is `quarantine`, whose attempts count in every build.
    """
    if name == "quarantine":
        return None
    return connection.execute(
        "select max(written.key_columns), max(marks.number)"
        " from changes.written inner join changes.read as marks on written.model = marks.input"
        " where marks.model = 'published' and written.model = ?"
        " having max(marks.number) >= max(written.number) filter (where written.is_whole)"
        " and max(written.key_columns) is not null",
        [name],
    ).fetchone()


def _record(connection: duckdb.DuckDBPyConnection, version: int, run_id: str) -> None:
    """Note, at once, that the build is published and up to where its version has each log."""
    connection.execute("begin transaction")
    connection.execute(
        "update audit.builds set status = 'published', published_version = ? where run_id = ?",
        [version, run_id],
    )
    connection.execute("delete from changes.read where model = 'published'")
    connection.execute(
        "insert into changes.read"
        " select 'published', model, max(number) from changes.written group by model"
    )
    connection.execute("commit")


def _swap_in(settings: Settings, path: Path) -> None:
    """Readers that have the old file open keep reading it: its inode lives until they close.

    A copy, not a link: a reader that opens the current file for writing harms no version.
    """
    unfinished = settings.published / ".orderhouse.duckdb"
    shutil.copyfile(path, unfinished)
    _settle(unfinished, current_file(settings))
    # Left by somebody who opened the old file for writing; it does not belong to the new one.
    settings.published.joinpath("orderhouse.duckdb.wal").unlink(missing_ok=True)


def _settle(unfinished: Path, path: Path) -> None:
    """Give a finished file its name, so that after a power cut it is there whole or not at all."""
    unfinished.chmod(_READABLE_BY_ALL)
    _sync(unfinished)
    unfinished.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
