"""One file: read once, then recorded as loaded, duplicate or discarded, then moved.

Belongs here: the transaction of a file, and making good what a crash left half done. Does not:
whether a file's batch lets it be loaded (`batches.py`), reading its bytes (`reading.py`).
"""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract
from orchestration.loader.deliveries import (
    Delivery,
    Run,
    forget_reading,
    read_delivery,
    read_file,
    sentence_of,
)
from orchestration.loader.erased import begin_rewrite, blank_reading
from orchestration.loader.file_names import TRIGGER, read_name, shown
from orchestration.loader.landing import Landed
from orchestration.loader.ledger import Entry
from orchestration.loader.moves import copies_by_bytes, copies_by_name, discard, move
from orchestration.loader.outcomes import FileOutcome
from orchestration.loader.reading import Reading
from orchestration.loader.refusal import Refused
from orchestration.loader.spool import fingerprint

_STANDS_IN = "It stands in for the file whose bytes it repeats."


class ConservationError(Exception):
    """Rows written do not add up to records read; the transaction is undone."""


def store(run: Run, delivery: Delivery) -> None:
    """Bring one file to its end: duplicate, discarded or loaded, recorded first, then moved.

    Raises what is not the file's fault; nothing is recorded then.
    """
    name, seen = delivery.name, delivery.seen
    is_named = name.feed is not None and name.refusal is None
    verdict = run.ledger.judge(name.feed, name.name, seen.sha256) if is_named else None
    if verdict is not None and verdict.duplicate_of is not None:
        original = verdict.duplicate_of
        assert original.feed is not None
        entry = replace(
            _entry(run, delivery, "duplicate"), duplicate_of=original.file_id, reason=None
        )
        with run.ledger.transaction():
            run.ledger.add(entry)
            _supersede(run, verdict.supersedes, entry)
            if run.ledger.is_rewritten(name.feed, seen.sha256):
                begin_rewrite(run.connection, run.ledger, original.feed, seen.sha256)
        reason = f"It has the bytes of {shown(original.file_name)}, which is loaded."
        run.settle(_outcome(entry, reason=_archive(run, delivery, entry) or reason))
        return
    read_delivery(run, delivery)
    if delivery.refusal is not None:
        discard_file(run, delivery, delivery.refusal)
        return
    entry = _entry(run, delivery, "loaded")
    assert delivery.reading is not None and verdict is not None and entry.feed is not None
    is_blanked = blank_reading(run, entry.feed, delivery.reading)
    with run.ledger.transaction():
        entry = _insert(run, entry, run.contracts[entry.feed], delivery.reading)
        run.ledger.add(entry)
        if is_blanked:
            begin_rewrite(run.connection, run.ledger, entry.feed, entry.sha256)
        _supersede(run, verdict.supersedes, entry)
    superseded = [old.file_name for old in verdict.supersedes if old.status == "loaded"]
    run.settle(
        replace(
            _outcome(entry, reason=_archive(run, delivery, entry)),
            superseded=superseded[-1] if superseded else None,
        )
    )
    if superseded:
        load_stand_ins(run)


def discard_file(run: Run, delivery: Delivery, refusal: Refused) -> None:
    """Record a refused file and move it to discarded. Raises what is not the file's fault."""
    name, seen = delivery.name, delivery.seen
    refusal = Refused(refusal.code, shown(refusal.message))
    folder = run.settings.discarded / name.folder
    entry = run.ledger.newest(name.name)
    if not (
        entry is not None
        and (entry.status, entry.sha256, entry.reason) == ("discarded", seen.sha256, refusal.code)
        and entry.reprocessed is None
        and _is_unmoved(run, entry, folder, delivery.landed.path.name)
    ):
        entry = replace(_entry(run, delivery, "discarded"), reason=refusal.code)
        with run.ledger.transaction():
            run.ledger.add(entry)
    outcome = _outcome(entry, code=refusal.code, reason=refusal.message)
    try:
        discard(delivery.landed.path, folder, seen, str(entry.file_id), refusal, run.now())
    except OSError as error:
        note = f"{refusal.message} It could not be moved yet: {sentence_of(error)}"
        outcome = replace(outcome, reason=note)
    run.settle(outcome)


def record_duplicate_trigger(run: Run, delivery: Delivery) -> None:
    """Record and archive a trigger that was delivered again after its batch was loaded."""
    entry = _entry(run, delivery, "duplicate")
    with run.ledger.transaction():
        run.ledger.add(entry)
    reason = "Its batch is loaded already."
    run.settle(_outcome(entry, reason=_archive(run, delivery, entry) or reason))


def finish_move(run: Run, landed: Landed) -> bool:
    """Move a file that the ledger knows as taken and that a crash left in landing.

    True when that was so, also when the file was retracted or replaced since: that is not undone.
    A copy in the archive tells a file delivered again from a file whose move was cut off: there
    are as many copies as deliveries.
    """
    name = landed.name
    entry = run.ledger.newest(name.name)
    if entry is None or (entry.feed, entry.size_bytes) != (name.feed, landed.size_bytes):
        return False
    # The move of a discarded file is made good where it is refused again.
    if entry.status == "discarded":
        return False
    seen = fingerprint(landed.path)
    folder = run.settings.archive / name.folder
    if seen.sha256 != entry.sha256 or not _is_unmoved(run, entry, folder, landed.path.name):
        return False
    if entry.feed is not None and run.ledger.is_rewritten(entry.feed, seen.sha256):
        begin_rewrite(run.connection, run.ledger, entry.feed, seen.sha256)
    move(landed.path, folder, seen, str(entry.file_id))
    run.report(f"{shown(name.name)}: {entry.status} before, moved to the archive now.")
    return True


def load_stand_ins(run: Run) -> None:
    """Load duplicates whose original counts no more, from the archive, in its place."""
    for entry in run.ledger.stand_ins():
        try:
            _stand_in(run, entry)
        except Exception as error:
            reason = f"It could not stand in and is due again: {sentence_of(error)}"
            run.settle_stand_in(FileOutcome(entry.file_name, "failed", entry.feed, reason=reason))


def _stand_in(run: Run, entry: Entry) -> None:
    assert entry.feed is not None and entry.batch_date is not None
    original = run.ledger.counting(entry.feed, entry.sha256, entry.file_name)
    if original is not None:
        with run.ledger.transaction():
            run.ledger.record(replace(entry, duplicate_of=original.file_id))
        return
    if entry.rows_loaded is not None:
        # It counted before, so its rows are in bronze.
        with run.ledger.transaction():
            run.ledger.record(replace(entry, status="loaded", duplicate_of=None))
        run.settle_stand_in(_outcome(run.ledger[entry.file_id], reason=_STANDS_IN))
        return
    folder = run.settings.archive / entry.feed
    tags = [str(entry.file_id)]
    contents = run.ledger.contents(entry)
    own = copies_by_name(folder, entry.file_name, tags, contents)
    path = own[-1] if own else next(copies_by_bytes(folder, contents), None)
    if path is None:
        raise FileNotFoundError(f"no file in {folder} has the bytes to load in its place")
    name = read_name(entry.file_name, run.feeds, run.now().date())
    # Its bytes are those of a file that was loaded; by now the feed may be delivered otherwise.
    read_as = run.ledger.as_read(entry.feed, entry.sha256).read_as
    contract = run.contracts[entry.feed].reading_as(read_as)
    # The suffix of an archived copy must not hide the extension: it is read under its own name.
    own_name = run.settings.spool / entry.file_name[-60:]
    reading = None
    try:
        _link_or_copy(path, own_name)
        reading = read_file(run, own_name, name, contract, fingerprint(own_name))
        entry = replace(entry, status="loaded", duplicate_of=None, loaded_at=run.clock)
        blank_reading(run, entry.feed, reading)
        with run.ledger.transaction():
            entry = _insert(run, entry, contract, reading)
            run.ledger.record(entry)
        run.settle_stand_in(_outcome(entry, reason=_STANDS_IN))
    except Refused as refusal:
        # Read by other rules than its original, for example under another extension.
        entry = replace(entry, status="discarded", reason=refusal.code, duplicate_of=None)
        with run.ledger.transaction():
            run.ledger.record(entry)
        run.settle_stand_in(_outcome(entry, code=refusal.code, reason=shown(refusal.message)))
        seen = fingerprint(path)
        target = run.settings.discarded / entry.feed
        discard(path, target, seen, str(entry.file_id), refusal, run.now())
    finally:
        own_name.unlink(missing_ok=True)
        forget_reading(run, reading)


def _link_or_copy(path: Path, target: Path) -> None:
    """Give an archived file a second name in the spool, or a copy where no link may be made.

    Linux refuses a link to a file of another user that one may not write to (EPERM), and one from
    another file system (EXDEV).
    """
    target.unlink(missing_ok=True)
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)


def _insert(run: Run, entry: Entry, contract: Contract, reading: Reading) -> Entry:
    """Rows and rejected rows of a file into bronze; the entry with what its contract made of it."""
    assert entry.feed is not None
    columns = [*contract.column_names, "_rescued", "_op", "_row_number"]
    names = ", ".join(f'"{column}"' for column in columns)
    loaded = _changed_rows(
        run.connection,
        f"insert into bronze.{entry.feed} ({names}, _file_id, _batch_date)"
        f" select {names}, ?, ? from {reading.table}",
        [entry.file_id, entry.batch_date],
    )
    rejected = _changed_rows(
        run.connection,
        "insert into bronze.rejected_rows (file_id, line_number, raw, error)"
        f" select ?, line_number, raw, error from {reading.rejected_table}",
        [entry.file_id],
    )
    if (loaded, rejected, loaded + rejected) != (
        reading.rows_loaded,
        reading.rows_rejected,
        reading.rows_read,
    ):
        raise ConservationError(
            f"{reading.rows_read} records were read, but {loaded} rows loaded and {rejected}"
            " rejected; nothing of the file was kept"
        )
    return replace(
        entry,
        rows_read=reading.rows_read,
        rows_loaded=loaded,
        rows_rejected=rejected,
        drift=None if reading.drift is None else json.dumps(reading.drift),
        read_as=contract.read_as,
    )


def _supersede(run: Run, entries: tuple[Entry, ...], by: Entry) -> None:
    for entry in entries:
        run.ledger.record(replace(entry, status="superseded", superseded_by=by.file_id))


def _archive(run: Run, delivery: Delivery, entry: Entry) -> str | None:
    """Move a recorded file to the archive; a sentence when that has to wait for the next load."""
    folder = run.settings.archive / delivery.name.folder
    try:
        move(delivery.landed.path, folder, delivery.seen, str(entry.file_id))
    except OSError as error:
        note = f"It is recorded, but still lies in landing: {sentence_of(error)}"
        run.report(f"{shown(entry.file_name)}: {note}")
        return note
    return None


def _is_unmoved(run: Run, entry: Entry, folder: Path, raw_name: str) -> bool:
    deliveries = [
        delivery
        for delivery in run.ledger.of_name(entry.file_name)
        if (delivery.sha256, delivery.feed) == (entry.sha256, entry.feed)
        and (delivery.status == "discarded") == (entry.status == "discarded")
        and delivery.reprocessed is None
    ]
    tags = [str(delivery.file_id) for delivery in deliveries]
    # A trigger that came again has a predecessor that is on record in bronze.batches, not here.
    expected = len(deliveries) + (entry.feed == TRIGGER and entry.status == "duplicate")
    return len(copies_by_name(folder, raw_name, tags, run.ledger.contents(entry))) < expected


def _entry(run: Run, delivery: Delivery, status: str) -> Entry:
    name, seen = delivery.name, delivery.seen
    return Entry(
        file_id=run.ledger.next_id(),
        file_name=name.name,
        feed=name.feed,
        batch_id=delivery.batch_id or name.batch_id,
        batch_date=name.batch_date,
        sha256=seen.sha256,
        size_bytes=seen.size_bytes,
        status=status,
        reason=None,
        rows_read=None,
        rows_loaded=None,
        rows_rejected=None,
        duplicate_of=None,
        superseded_by=None,
        drift=None,
        loaded_at=run.clock,
    )


def _outcome(entry: Entry, code: str | None = None, reason: str | None = None) -> FileOutcome:
    return FileOutcome(
        entry.file_name,
        entry.status,
        entry.feed,
        code,
        reason,
        entry.file_id,
        entry.batch_id,
        entry.rows_read or 0,
        entry.rows_loaded or 0,
        entry.rows_rejected or 0,
    )


def _changed_rows(connection: DuckDBPyConnection, statement: str, parameters: list) -> int:
    row = connection.execute(statement, parameters).fetchone()
    assert row is not None
    return row[0]
