"""The warehouse in a new file: what a table no longer holds still stands in pages of the old one.

Belongs here: copying all tables. Does not: what they hold (`tables.py`), publishing (`publish.py`).
"""

import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from orchestration.file_bytes import copy, sync
from orchestration.published_tables import for_analysts
from orchestration.settings import Settings
from orchestration.warehouse import bound_memory

_SETTINGS = {
    "preserve_insertion_order": "false",
    # One checkpoint, and one sync, of what nobody reads before.
    "checkpoint_threshold": "1TB",
    "fsync_mode": "NONE",
}


def rewrite_warehouse(settings: Settings) -> Path:
    """Write the warehouse to a new file and put it in the old one's place.

    Returns a second new file, with the tables that analysts read and no others: most of the work is
    to compress them, and they are published next. `remove_drafts` removes it. Rows may change their
    order; the file keeps its mode. No connection may be open. A crash leaves the old warehouse or
    the new one, each whole.
    """
    path = settings.warehouse
    remove_drafts(settings)
    draft, made = _draft(settings), _draft(settings, "published")
    with duckdb.connect() as connection:
        bound_memory(connection, settings)
        for name, value in _SETTINGS.items():
            connection.execute(f"set {name} = '{value}'")
        _attach(connection, path, "old")
        connection.execute("checkpoint old")
        _attach(connection, draft, "fresh")
        shutil.copymode(path, draft)
        connection.execute("copy from database old to fresh (schema)")
        # The largest first: then no thread has one left when all others are done.
        tables = connection.execute(
            "select schema_name || '.' || table_name as name from duckdb_tables()"
            " where database_name = 'old' order by estimated_size * column_count desc, name"
        ).fetchall()
        connection.execute("use old")
        read = {table.full_name for table in for_analysts(connection) if table.is_stored}
        _copy_rows(connection, (name for (name,) in tables if name in read))
        connection.execute("detach fresh")
        copy(draft, made)
        _attach(connection, draft, "fresh")
        _copy_rows(connection, (name for (name,) in tables if name not in read))
    left = path.with_name(f"{path.name}.wal")
    if left.exists():
        raise OSError(f"{left} is still there: another program has the warehouse open.")
    sync(draft)
    draft.replace(path)
    sync(path.parent)
    return made


def remove_drafts(settings: Settings) -> None:
    """Remove what `rewrite_warehouse` made, or a crash left of it."""
    for draft in settings.warehouse.parent.glob(f"{_draft(settings).name}*"):
        draft.unlink()


def _draft(settings: Settings, suffix: str = "") -> Path:
    return settings.warehouse.with_name(f".{settings.warehouse.name}.rewritten{suffix}")


def _attach(connection: DuckDBPyConnection, path: Path, name: str) -> None:
    options = " (recovery_mode no_wal_writes)" if name == "fresh" else ""
    connection.execute(f"attach '{str(path).replace(chr(39), chr(39) * 2)}' as {name}{options}")


def _copy_rows(connection: DuckDBPyConnection, tables: Iterable[str]) -> None:
    """Copy the rows of tables (`schema.name`), several at once, and have them in the file."""

    def copy_table(table: str) -> None:
        schema, name = (f'"{part}"' for part in table.split(".", 1))
        with connection.cursor() as cursor:
            cursor.execute(f"insert into fresh.{schema}.{name} from old.{schema}.{name}")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(copy_table, tables))
    # What a thread has committed may still be about to end: waits for it.
    connection.execute("force checkpoint fresh")
