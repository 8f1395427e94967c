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

    `connection` is one to the warehouse, of the only writer; `run_id` names the build. A crash at
    any moment leaves the version that readers see as it was; its unfinished file is removed by the
    next call.
    """
    folder = _versions_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in [*folder.glob(".*"), *settings.published.glob(".*")]:
        leftover.unlink()

    version = max([_last_published(connection), *versions(settings)]) + 1
    path = folder / f"orderhouse_{version:06}.duckdb"
    unfinished = folder / f".{path.name}"
    tables = _write(connection, unfinished, version, run_id)
    _settle(unfinished, path)
    _swap_in(settings, path)
    connection.execute(
        "update audit.builds set status = 'published', published_version = ? where run_id = ?",
        [version, run_id],
    )
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
    connection: duckdb.DuckDBPyConnection, path: Path, version: int, run_id: str
) -> dict[str, int]:
    relations = connection.execute(
        "select table_schema, table_name from information_schema.tables"
        " where table_catalog = current_database()"
        " and table_schema in ('gold', 'silver', 'audit')"
        # Staging has a row for all that ever landed: it is for the pipeline's own people.
        " and not (table_schema = 'silver' and starts_with(table_name, 'stg_'))"
        " order by all"
    ).fetchall()
    tables = {}
    connection.execute(f"attach '{str(path).replace(chr(39), chr(39) * 2)}' as published")
    try:
        for schema, name in relations:
            connection.execute(f'create schema if not exists published."{schema}"')
            connection.execute(
                f'create table published."{schema}"."{name}" as from "{schema}"."{name}"'
            )
            tables[f"{schema}.{name}"] = connection.execute(
                f'select count(*) from published."{schema}"."{name}"'
            ).fetchone()[0]
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
    finally:
        connection.execute("detach published")
    return tables


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
