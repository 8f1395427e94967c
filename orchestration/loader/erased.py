"""People who were erased, named again by a delivery: their rows count, without what is personal.

Belongs here: blanking rows before they reach bronze, rewriting the archived copies of a file.
Does not: erasing somebody (`orchestration/erasure/`).
"""

import hashlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract, feed_names
from orchestration.erasure.delivered import Edit, Rows, rewrite
from orchestration.file_bytes import sync
from orchestration.loader.deliveries import Run
from orchestration.loader.file_names import read_name, shown
from orchestration.loader.ledger import Entry, Ledger
from orchestration.loader.moves import copies_by_bytes
from orchestration.loader.reading import Reading
from orchestration.people import blanked, former_columns, holds_something, touch_rows, whose
from orchestration.settings import Settings


def blank_reading(run: Run, feed: str, reading: Reading) -> bool:
    """Blank the rows of erased people in what was read; whether there were any.

    They are blanked before they are stored: what a page of the warehouse once held stays in it.
    """
    if run.is_erased is None:
        return False
    theirs = whose(run.contracts, feed, run.is_erased, reading.table)
    if theirs is None:
        return False
    contract = run.contracts[feed]
    found = run.connection.execute(
        f"from {reading.table} where {theirs} and {holds_something(contract)} limit 1"
    ).fetchone()
    if found:
        run.connection.execute(f"update {reading.table} set {blanked(contract)} where {theirs}")
    return found is not None


def begin_rewrite(connection: DuckDBPyConnection, ledger: Ledger, feed: str, sha256: str) -> None:
    """Note that all copies of a delivered content have to be rewritten; belongs to a transaction.

    A load that finds the note goes on where a crash ended.
    """
    connection.execute(
        "delete from bronze.rewritten_files where (feed, sha256) = (?, ?)"
        " and rewritten_sha256 is null",
        [feed, sha256],
    )
    connection.execute(
        "insert into bronze.rewritten_files values (?, ?, null, null, false)", [feed, sha256]
    )
    ledger.keep_rewritten(feed, sha256, None, None)


def rewrites_are_due(connection: DuckDBPyConnection) -> bool:
    """Whether a crash left archived copies that have to be rewritten."""
    return bool(
        connection.execute("from bronze.rewritten_files where not is_done limit 1").fetchone()
    )


def finish_rewrites(run: Run) -> None:
    """Rewrite what is noted: files just loaded, and those whose rewriting a crash cut off."""
    pending = run.connection.execute(
        "select feed, sha256 from bronze.rewritten_files where not is_done"
    ).fetchall()
    for feed, sha256 in pending:
        theirs = run.is_erased and whose(run.contracts, feed, run.is_erased)
        entries = run.ledger.same_bytes(feed, sha256)
        file_ids = [entry.file_id for entry in entries if entry.rows_loaded is not None]
        rows = []
        if theirs and file_ids:
            rows = run.connection.execute(
                f"select _row_number from bronze.{feed} where _file_id = ? and {theirs}",
                file_ids[-1:],
            ).fetchall()
        try:
            rewrite_copies(
                run.connection,
                run.settings,
                run.contracts[feed],
                run.ledger,
                run.ledger.as_read(feed, sha256),
                {number: frozenset() for (number,) in rows},
            )
        except ValueError as error:
            # Loading goes on; the note stays, and the next load tries again.
            run.report(f"Somebody who was erased may still stand in a file. {error}")
            continue
        run.report(f"{shown(entries[-1].file_name)}: archived without somebody who was erased.")


def blank_late(run: Run) -> None:
    """Blank rows that turned out to be an erased person's: a payment that came before its order."""
    if run.is_cleared is None:
        return
    for feed, contract in run.contracts.items():
        theirs = whose(run.contracts, feed, run.is_cleared)
        if theirs is None:
            continue
        former = former_columns(run.connection, contract)
        late = f"{theirs} and {holds_something(contract, former)}"
        file_ids = run.connection.execute(
            f"select distinct _file_id from bronze.{feed} where {late}"
        ).fetchall()
        if not file_ids:
            continue
        with run.ledger.transaction():
            for (file_id,) in file_ids:
                entry = run.ledger[file_id]
                begin_rewrite(run.connection, run.ledger, feed, entry.sha256)
            touch_rows(run.connection, feed, f"bronze.{feed} where {late}")
            run.connection.execute(
                f"update bronze.{feed} set {blanked(contract, former=former)} where {late}"
            )


def rewrite_copies(
    connection: DuckDBPyConnection,
    settings: Settings,
    contract: Contract,
    ledger: Ledger,
    entry: Entry,
    rows: Rows,
    is_about: Callable[[str], bool] = lambda line: False,
    edit: Edit = str,
) -> int:
    """Write the archived copies of a delivered file again without what is personal in `rows`.

    The ledger keeps the hash of what was delivered and learns the new one before any copy changes,
    so that a copy is always known. `is_about` and `edit` as in `delivered.rewrite`. Gives the
    number of files that changed. Raises ValueError when a copy does not read as it once did.
    """
    assert entry.feed is not None
    contract = contract.reading_as(entry.read_as)
    feeds = feed_names({entry.feed: contract})
    assert entry.batch_date is not None
    file_format = read_name(entry.file_name, feeds, entry.batch_date).file_format
    changed = 0
    for path in list(copies_by_bytes(settings.archive / entry.feed, ledger.contents(entry))):
        data, state = read_whole(path)
        try:
            after = rewrite(data, contract, file_format or contract.format, rows, is_about, edit)
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f"{path} does not read as it once did: {error}. Put back what was archived, or"
                " remove the file."
            ) from error
        if after != data:
            replace_file(path, after, state, partial(_keep, connection, ledger, entry))
            changed += 1
    connection.execute(
        "update bronze.rewritten_files set is_done = true where (feed, sha256) = (?, ?)",
        [entry.feed, entry.sha256],
    )
    return changed


def _keep(
    connection: DuckDBPyConnection, ledger: Ledger, entry: Entry, sha256: str, size_bytes: int
) -> None:
    assert entry.feed is not None
    if sha256 not in ledger.contents(entry):
        connection.execute(
            "insert into bronze.rewritten_files values (?, ?, ?, ?, false)",
            [entry.feed, entry.sha256, sha256, size_bytes],
        )
        ledger.keep_rewritten(entry.feed, entry.sha256, sha256, size_bytes)


def read_whole(path: Path) -> tuple[bytes, os.stat_result]:
    """A file's bytes, and its state before they were read: what `replace_file` wants."""
    state = path.stat()
    return path.read_bytes(), state


def replace_file(
    path: Path,
    data: bytes,
    state: os.stat_result,
    before: Callable[[str, int], None] = lambda sha256, size_bytes: None,
) -> None:
    """Give a file other bytes in one step, its mode and times as they were.

    `state` is the file's before its bytes were read. `before` gets sha256 and size (bytes) of the
    new content when it is safe on disk. Raises OSError when the file was written to since: what was
    written would be lost.
    """
    # A name has 255 bytes at most, a character of it up to four.
    draft = path.with_name(f".{path.name[-60:]}.erasing")
    # What a crash left may be closed to writing; and nobody else may read what is not done.
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_bytes(data)
    draft.chmod(state.st_mode & 0o7777)
    os.utime(draft, ns=(state.st_atime_ns, state.st_mtime_ns))
    sync(draft)
    before(hashlib.sha256(data).hexdigest(), len(data))
    if _identity(path.stat()) != _identity(state):
        draft.unlink()
        raise OSError(f"{path} was written to while it was read. Close what writes it.")
    draft.replace(path)
    sync(path.parent)


def _identity(state: os.stat_result) -> tuple[int, int, int]:
    return state.st_ino, state.st_size, state.st_mtime_ns
