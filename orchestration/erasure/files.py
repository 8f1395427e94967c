"""A person in files: those that were delivered, and what programs wrote beside them.

Belongs here: clearing every file under the roots that is no DuckDB database. Does not: finding them
(`look.py`), tables (`tables.py`), how a delivered file is rewritten (`delivered.py`).
"""

import os
import re
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract, feed_names
from orchestration.dbt_runner import target_dir
from orchestration.erasure.delivered import Rows as RowsToBlank
from orchestration.erasure.delivered import rewrite, transform
from orchestration.erasure.find import Rows
from orchestration.erasure.look import Seen, is_database
from orchestration.erasure.packing import CannotUnpack
from orchestration.erasure.segments import without_records
from orchestration.erasure.tables import rejected_about
from orchestration.erasure.traces import Traces, chunks
from orchestration.loader.deliveries import Run, forget_reading, read_file, staging
from orchestration.loader.erased import begin_rewrite, read_whole, replace_file, rewrite_copies
from orchestration.loader.file_names import FileName, is_unfinished, text_of
from orchestration.loader.landing import Landed, is_settled, list_landing, read_notes
from orchestration.loader.ledger import Ledger
from orchestration.loader.refusal import Refused
from orchestration.loader.spool import fingerprint
from orchestration.people import this_person, whose
from orchestration.settings import Settings

_SQLITE = b"SQLite format 3\0"
_SQLITE_WAIT_SECONDS = 15
_REASON = ".reason.json"


def roots(settings: Settings, dagster_home: Path) -> list[Path]:
    """Folders in which a person may stand, resolved: data, Dagster's, what dbt writes.

    A folder of data may be a link to another disk, which no walk through its parent follows.
    """
    logs = Path(os.environ.get("DBT_LOG_PATH") or settings.project_dir / "logs")
    folders = [settings.data_dir, dagster_home, target_dir(settings), logs]
    folders += _folders_of_data(settings).values()
    found = {folder.resolve() for folder in folders}
    return sorted(folder for folder in found if not found & {*folder.parents})


def _folders_of_data(settings: Settings) -> dict[str, Path]:
    """The folders of data by the names the certificate has for them."""
    return {
        "landing": settings.landing.resolve(),
        "archive": settings.archive.resolve(),
        "discarded": settings.discarded.resolve(),
        "published": settings.published.resolve(),
        "warehouse": settings.warehouse.parent.resolve(),
    }


def is_delivered(settings: Settings, path: Path) -> bool:
    """Whether a provider delivered the file at a resolved path."""
    places = (settings.landing, settings.archive, settings.discarded)
    return any(place.resolve() in path.parents for place in places)


def _without_log(path: Path) -> Path:
    """The database that a log of SQLite's belongs to, and is part of; any other path as it is."""
    return path.with_name(re.sub(r"\.db-(wal|shm|journal)$", ".db", path.name))


class Files:
    """Clears the files of one warehouse of one person; `changed` counts them by place."""

    def __init__(
        self,
        connection: DuckDBPyConnection,
        settings: Settings,
        contracts: Mapping[str, Contract],
        rows: Mapping[str, Rows],
        traces: Traces,
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._contracts = contracts
        self._rows = rows
        self._traces = traces
        self._ledger = Ledger(connection)
        self.changed: Counter[str] = Counter()
        # file_id of loaded files in which telling values stand or, before a crash, stood.
        self.with_traces = {
            entry.file_id
            for entry in self._ledger.where(
                "(feed, sha256) in (select (feed, sha256) from bronze.rewritten_files)"
            )
        }

    def being_written(self, seen: Seen) -> list[Path]:
        """Files of landing with telling values that a provider may still be writing."""
        return [path for path in sorted(seen.telling) if self._is_being_written(path)]

    def clear(self, seen: Seen) -> None:
        """Clear every file that nobody is writing; call it outside a transaction."""
        for scratch in (self._settings.spool, self._settings.spill):
            shutil.rmtree(scratch, ignore_errors=True)
        found = {path for path in seen.mentions if path.exists() and not is_database(path)}
        archive = self._settings.archive.resolve()
        left = self._clear_archive(
            {path for path in found if archive in path.parents} & seen.telling
        )
        left |= {path for path in found & seen.telling if archive not in path.parents}
        left -= self._clear_landing()
        discarded = self._settings.discarded.resolve()
        for path in sorted(found):
            if discarded in path.parents and not path.name.endswith(_REASON):
                self._edit(path, self._without_records)
                left.discard(path)
        for path in sorted({_without_log(path) for path in left}):
            if path.exists() and not self._is_being_written(path):
                with suppress(FileNotFoundError):
                    self._clear_other(path)
        for path in sorted(seen.telling):
            self._rename(path)

    def _clear_archive(self, telling: set[Path]) -> set[Path]:
        """Rewrite the copies of files with the person's rows, or refused lines; what is no copy of
        a known file."""
        wanted: dict[tuple[str, str], bool] = {}
        for feed, rows in self._rows.items():
            for (file_id,) in self._connection.execute(
                f"select distinct _file_id from {rows.table} where is_personal"
            ).fetchall():
                wanted[feed, self._ledger[file_id].sha256] = False
        for file_id in rejected_about(self._connection, self._traces).values():
            entry = self._ledger[file_id]
            if entry.feed in self._contracts and entry.rows_loaded is not None:
                wanted[entry.feed, entry.sha256] = False
        unknown = set()
        for path in telling:
            feed = path.parent.name
            known = [
                entry
                for origin in self._ledger.origins(feed, fingerprint(path).sha256)
                for entry in self._ledger.same_bytes(feed, origin)
            ]
            if known and feed in self._contracts:
                wanted[feed, max(known, key=lambda entry: entry.file_id).sha256] = True
            else:
                unknown.add(path)
        for (feed, sha256), has_traces in wanted.items():
            entries = self._ledger.same_bytes(feed, sha256)
            begin_rewrite(self._connection, self._ledger, feed, sha256)
            none_refused = all(entry.rows_rejected == 0 for entry in entries)
            self.changed["archive"] += rewrite_copies(
                self._connection,
                self._settings,
                self._contracts[feed],
                self._ledger,
                self._ledger.as_read(feed, sha256),
                self._rows_to_blank(feed, [entry.file_id for entry in entries]),
                (lambda line: False) if none_refused else self._traces.is_about,
                self._traces.edit if has_traces else str,
            )
            if has_traces:
                self.with_traces |= {entry.file_id for entry in entries}
        return unknown

    def _rows_to_blank(self, feed: str, file_ids: list[int]) -> RowsToBlank:
        if feed not in self._rows:
            return {}
        return {
            number: frozenset(refused)
            for number, refused in self._connection.execute(
                f"select _row_number, refused from {self._rows[feed].table}"
                " where _file_id in (select unnest(?))",
                [file_ids],
            ).fetchall()
        }

    def _clear_landing(self) -> set[Path]:
        """Rewrite what was not loaded yet; the paths that were looked at."""
        run = Run(
            self._connection,
            self._settings,
            self._contracts,
            self._ledger,
            lambda: datetime.now(UTC),
            lambda line: None,
        )
        feeds = feed_names(dict(self._contracts))
        done = set()
        if not self._settings.landing.is_dir():
            return done
        with staging(self._connection):
            for landed in list_landing(self._settings, feeds, run.now().date()).values():
                if landed.name.is_trigger or not self._mentions(landed.path):
                    continue
                done.add(landed.path.resolve())
                if self._is_being_written(landed.path):
                    continue
                if landed.name.feed is None or landed.name.refusal is not None:
                    self._edit(landed.path, self._without_records)
                else:
                    self._clear_landed(run, landed)
        return done

    def _mentions(self, path: Path) -> bool:
        with suppress(CannotUnpack):
            return any(self._traces.mentions(piece) for piece in chunks(path))
        return False

    def _is_being_written(self, path: Path) -> bool:
        """Whether a file of landing may have a writer still, who would go on in the old bytes.

        As the loader sees it; a name that says so is believed as long as a batch may wait.
        """
        if self._settings.landing.resolve() not in path.resolve().parents or not path.exists():
            return False
        state, name = path.stat(), text_of(path.name)
        seconds = self._settings.settle_seconds
        if is_unfinished(path.name):
            seconds = max(seconds, self._settings.batch_timeout_minutes * 60)
        landed = Landed(path, FileName(name), state.st_size, state.st_mtime_ns)
        note = read_notes(self._settings).files.get(name)
        return not is_settled(landed, seconds, note, time.time())

    def _clear_landed(self, run: Run, landed: Landed) -> None:
        feed, contract = landed.name.feed, self._contracts[landed.name.feed]
        data, state = read_whole(landed.path)
        seen = fingerprint(landed.path)
        try:
            reading = read_file(run, landed.path, landed.name, contract, seen)
        except Refused:
            self._edit(landed.path, self._without_records)
            return
        try:
            person = this_person(self._traces.customer_id)
            theirs = whose(self._contracts, feed, person, reading.table) or "false"
            rows = {
                number: frozenset()
                for (number,) in self._connection.execute(
                    f"select _row_number from {reading.table} where {theirs}"
                ).fetchall()
            }
        finally:
            forget_reading(run, reading)
        after = rewrite(
            data,
            contract,
            landed.name.file_format or contract.format,
            rows,
            self._traces.is_about,
            self._traces.edit,
        )
        if after != data:
            self._replace_delivered(landed.path, feed, after, state)

    def _without_records(self, text: str) -> str:
        return without_records(text, self._traces)

    def _clear_other(self, path: Path) -> None:
        with path.open("rb") as file:
            is_sqlite = file.read(len(_SQLITE)) == _SQLITE
        if is_sqlite:
            self._clear_sqlite(path)
        else:
            self._edit(path, self._traces.edit)

    def _rename(self, path: Path) -> None:
        """Take telling values out of a delivered file's name, as the ledger does."""
        name = self._traces.edit(path.name)
        is_left = not is_delivered(self._settings, path) or self._is_being_written(path)
        if name == path.name or is_left:
            return
        target = path.with_name(name)
        if os.path.lexists(target):
            # The loader's way with a name that is taken.
            newest = self._ledger.newest(path.name)
            target = path.with_name(f"{name}.{newest.file_id if newest else 0}")
        # A reason goes with its file, or has gone.
        for end in (_REASON, ""):
            source, goal = (one.with_name(one.name + end) for one in (path, target))
            if source.exists() and not os.path.lexists(goal):
                source.rename(goal)
                self.changed[self._place(goal)] += not end

    def _edit(self, path: Path, edit: Callable[[str], str]) -> None:
        data, state = read_whole(path)
        contract = self._contracts.get(path.parent.name)
        # What cannot be unpacked is told by the look that follows.
        with suppress(CannotUnpack):
            after = self._edited_bytes(data, contract.encoding if contract else "latin-1", edit)
            if after != data:
                self._replace_delivered(path, path.parent.name, after, state)

    def _edited_bytes(self, data: bytes, encoding: str, edit: Callable[[str], str]) -> bytes:
        edit_name = self._traces.edit
        with suppress(ValueError):
            return transform(data, "utf-8", edit, edit_name)
        # Another encoding, several of them, or a file that is broken.
        with suppress(ValueError):
            data = transform(data, encoding, edit, edit_name)
        for encoding in ("utf-8", "latin-1"):
            data = transform(data, encoding, edit, edit_name, is_broken=True)
        return data

    def _replace_delivered(
        self, path: Path, feed: str, after: bytes, state: os.stat_result
    ) -> None:
        """Replace a file's bytes; those who look for it by its hash, in the ledger or in a trigger,
        shall find it still."""
        origins = self._ledger.origins(feed, fingerprint(path).sha256)

        def keep(sha256: str, size_bytes: int) -> None:
            for origin in origins:
                self._connection.execute(
                    "insert into bronze.rewritten_files values (?, ?, ?, ?, true)",
                    [feed, origin, sha256, size_bytes],
                )
                self._ledger.keep_rewritten(feed, origin, sha256, size_bytes)

        replace_file(path, after, state, keep if feed in self._contracts else lambda *_: None)
        self.changed[self._place(path)] += 1

    def _clear_sqlite(self, path: Path) -> None:
        """Take telling values out of every text of a database of Dagster's, and out of its pages.

        Raises OSError when another program keeps it locked.
        """
        try:
            with closing(sqlite3.connect(path, timeout=_SQLITE_WAIT_SECONDS)) as database:
                tables = database.execute(
                    "select name from sqlite_master where type = 'table'"
                ).fetchall()
                for (table,) in tables:
                    self._clear_sqlite_table(database, table)
                database.commit()
                database.execute("vacuum")
                database.execute("pragma wal_checkpoint(truncate)")
        except sqlite3.OperationalError as error:
            raise OSError(
                f"{path}: {error}; stop what has it open (make dev), then erase again."
            ) from error
        self.changed[self._place(path)] += 1

    def _clear_sqlite_table(self, database: sqlite3.Connection, table: str) -> None:
        columns = [row[1] for row in database.execute(f'pragma table_info("{table}")')]
        for column in columns:
            changed = [
                (after, row)
                for row, value in database.execute(f'select rowid, "{column}" from "{table}"')
                if isinstance(value, str | bytes) and (after := self._edited(value)) != value
            ]
            database.executemany(f'update "{table}" set "{column}" = ? where rowid = ?', changed)

    def _edited(self, value: str | bytes) -> str | bytes:
        if isinstance(value, str):
            return self._traces.edit(value)
        return self._traces.edit(value.decode("latin-1")).encode("latin-1")

    def _place(self, path: Path) -> str:
        path, data = path.resolve(), self._settings.data_dir.resolve()
        for place, folder in _folders_of_data(self._settings).items():
            if folder in path.parents:
                return place
        return path.relative_to(data).parts[0] if data in path.parents else "logs of programs"
