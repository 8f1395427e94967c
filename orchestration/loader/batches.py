"""Batches: what triggers announce, whether it is there and right, what is held and released.

Belongs here: `bronze.batches` and `bronze.releases`, judging a trigger. Does not: reading a trigger
(`triggers.py`), loading files (`file_load.py`).
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import astuple, dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from duckdb import DuckDBPyConnection

from orchestration.loader.deliveries import Delivery, Run, failed, read_delivery
from orchestration.loader.file_names import read_name, shown
from orchestration.loader.ledger import Entry
from orchestration.loader.reading import Reading, total
from orchestration.loader.triggers import (
    Expected,
    Hold,
    Trigger,
    figure_differences,
    name_problem,
    sha256_difference,
)
from orchestration.loader.withhold import command_for, release_withheld, withheld_files
from orchestration.transaction import transaction


@dataclass(frozen=True)
class Batch:
    """One row of `bronze.batches`. Files without a trigger have one only once they were held."""

    batch_id: str
    batch_date: date | None
    trigger_file: str | None
    trigger_id: str | None
    status: str
    reason: str | None
    trigger_json: str | None
    sha256: str | None
    first_seen_at: datetime
    updated_at: datetime


_COLUMNS = ", ".join(field.name for field in fields(Batch))


@dataclass(frozen=True)
class Verdict:
    """Whether a trigger lets its files be loaded: `ready`, `waiting` or `held`, and why not."""

    status: str
    reason: str | None = None
    code: str | None = None


READY = Verdict("ready")


class Batches:
    """`bronze.batches` and the releases in force, as one run asks them."""

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self._connection = connection

    def open(self) -> list[Batch]:
        """The batches that are not loaded, in the order they were first seen."""
        return self._where("status <> 'loaded' order by first_seen_at, batch_id")

    def get(self, batch_id: str | None) -> Batch | None:
        found = self._where("batch_id = ?", batch_id)
        return found[0] if found else None

    def _where(self, condition: str, *parameters: object) -> list[Batch]:
        rows = self._connection.execute(
            f"select {_COLUMNS} from bronze.batches where {condition}", parameters
        ).fetchall()
        return [Batch(*row) for row in rows]

    def release(self, batch_id: str | None) -> str | None:
        """Why an operator released a batch, None when nobody did.

        A release ends when the batch is loaded or its trigger replaced.
        """
        row = self._connection.execute(
            "select max_by(why, released_at) from bronze.releases"
            " where batch_id = ? and used_at is null and exists (from bronze.batches"
            " where batches.batch_id = releases.batch_id"
            " and batches.sha256 is not distinct from trigger_sha256)",
            [batch_id],
        ).fetchone()
        assert row is not None
        return row[0]

    def put(self, batch: Batch) -> None:
        """Write a batch when it is new or something but its time changed."""
        before = self.get(batch.batch_id)
        if before is not None and replace(before, updated_at=batch.updated_at) == batch:
            return
        if before is None:
            marks = ", ".join("?" for _ in fields(Batch))
            self._connection.execute(
                f"insert into bronze.batches ({_COLUMNS}) values ({marks})", list(astuple(batch))
            )
        else:
            assignments = ", ".join(f"{field.name} = ?" for field in fields(Batch)[1:])
            self._connection.execute(
                f"update bronze.batches set {assignments} where batch_id = ?",
                [*astuple(batch)[1:], batch.batch_id],
            )

    def close(self, batch: Batch) -> None:
        """Write a batch as loaded; what an operator released is used up with it, or neither."""
        with transaction(self._connection):
            if self.release(batch.batch_id) is not None:
                self._connection.execute(
                    "update bronze.releases set used_at = ? where batch_id = ? and used_at is null",
                    [batch.updated_at, batch.batch_id],
                )
            self.put(replace(batch, status="loaded"))


def release_batch(
    connection: DuckDBPyConnection,
    batch_id: str,
    why: str,
    now: datetime | None = None,
) -> str:
    """End the holds of a batch: the next load takes its files, and the next build counts them.

    `batch_id` is that of `bronze.batches` or, of what the circuit breaker withholds, that of
    `bronze.files`; `why` is kept with the release. Gives the reason of the hold. Raises LookupError
    when nothing of a batch of this id is held.
    """
    withheld = [file for file in withheld_files(connection) if file.batch_id == batch_id]
    release_withheld(connection, batch_id, why)
    row = connection.execute(
        "select reason, sha256 from bronze.batches where batch_id = ? and status = 'held'",
        [batch_id],
    ).fetchone()
    if row is None and withheld:
        return " ".join(f"{shown(file.file_name)}: {file.reason}" for file in withheld)
    if row is None:
        held = connection.execute(
            "select batch_id from bronze.batches where status = 'held'"
            " union select batch_id from bronze.files where status = 'withheld' order by all"
        ).fetchall()
        names = ", ".join(shown(name) for (name,) in held) or "none"
        raise LookupError(f"No batch {shown(batch_id)!r} is held; held are: {names}.")
    reason, sha256 = row
    at = (now or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    connection.execute(
        "insert into bronze.releases values (?, ?, ?, ?, null)", [batch_id, sha256, why, at]
    )
    connection.execute(
        "update bronze.batches set reason = ?, updated_at = ? where batch_id = ?",
        [f"released ({why}), was held for {reason}", at, batch_id],
    )
    return reason


def judge(
    run: Run,
    trigger: Trigger,
    deliveries: Mapping[str, Delivery],
    unfinished: Container[str],
    released: bool,
) -> Verdict:
    """Whether the files that a trigger names are all there and as it says.

    `deliveries` are the files in landing by name, `unfinished` those that may still be written to.
    Files whose figures are announced are read here, before any file of the batch is loaded.
    """
    today = run.now().astimezone(UTC).date()
    problems = {
        entry.name: hold
        for entry in trigger.expected
        if (hold := name_problem(entry.name, run.feeds, today)) is not None
    }
    if problems and not released:
        return _held(problems.values())
    if not trigger.ready:
        return Verdict("waiting", "Its data_files_ready is false.")
    expected = [entry for entry in trigger.expected if entry.name not in problems]
    earlier: dict[str, Entry | None] = {
        entry.name: run.ledger.delivered(entry.name, entry.sha256) for entry in expected
    }
    missing = [name for name in earlier if name not in deliveries and earlier[name] is None]
    if missing:
        return Verdict("waiting", f"It waits for {_listed(missing)}.")
    here = [entry for entry in expected if entry.name in deliveries]
    for name in {entry.name for entry in here}:
        try:
            _ = deliveries[name].seen
        except OSError as error:
            failed(run, deliveries[name].name, error)
            return Verdict("waiting", f"Not readable now: {shown(name)}.")
    # An announced hash proves a file whole; any other is whole once it is left alone.
    growing = [
        entry.name
        for entry in here
        if entry.name in unfinished
        and (
            entry.sha256 is None or _hash_difference(run, entry, deliveries[entry.name].seen.sha256)
        )
    ]
    if growing:
        return Verdict("waiting", f"Still being written: {_listed(growing)}.")
    if released:
        return READY

    loaded = [
        (entry, known)
        for entry in expected
        if entry.name not in deliveries and (known := earlier[entry.name]) is not None
    ]
    differences = [
        hold
        for entry in here
        if (hold := _hash_difference(run, entry, deliveries[entry.name].seen.sha256))
    ]
    differences += [
        _after_load(hold, entry)
        for entry, known in loaded
        if (hold := _hash_difference(run, entry, known.sha256))
    ]
    if differences:
        return _held(differences)
    for entry in here:
        if entry.needs_reading:
            delivery = deliveries[entry.name]
            try:
                read_delivery(run, delivery)
            except Exception as error:
                failed(run, delivery.name, error)
                return Verdict("waiting", f"Not readable now: {shown(entry.name)}.")
            if delivery.reading is not None:
                differences += _compare(run, entry, delivery.name.feed, delivery.reading)
    for entry, known in loaded:
        if entry.needs_reading and known.status != "discarded":
            differences += [_after_load(hold, entry) for hold in _recorded(run, entry, known)]
    return _held(differences) if differences else READY


def waiting_status(run: Run, batch: Batch) -> str:
    """`waiting`, or `late` once a batch has waited for longer than BATCH_TIMEOUT_MINUTES."""
    timeout = timedelta(minutes=run.settings.batch_timeout_minutes)
    return "late" if run.clock - batch.first_seen_at >= timeout else "waiting"


def _hash_difference(run: Run, entry: Expected, sha256: str) -> Hold | None:
    """As `sha256_difference`; the announced file without somebody who was erased is it still."""
    feed = read_name(entry.name, run.feeds, date.max - timedelta(days=2)).feed
    if entry.sha256 is not None and run.ledger.is_content(feed, entry.sha256, sha256):
        return None
    return sha256_difference(entry, sha256)


def _compare(run: Run, entry: Expected, feed: str | None, reading: Reading) -> list[Hold]:
    assert feed is not None
    contract = run.contracts[feed]

    def sum_of(name: str) -> Decimal | None:
        column = contract.column_for(name)
        return None if column is None else total(run.connection, reading, column)

    return figure_differences(entry, reading.rows_read, sum_of)


def _recorded(run: Run, entry: Expected, known: Entry) -> list[Hold]:
    """The differences of a file that is loaded, or doubles one that is."""
    original = known if known.duplicate_of is None else run.ledger[known.duplicate_of]
    rows = original.rows_read or 0, original.rows_loaded or 0, original.rows_rejected or 0
    view = f"loaded_file_{original.file_id}"
    run.connection.execute(
        f"create or replace temp view {view} as"
        f" select * from bronze.{original.feed} where _file_id = {original.file_id}"
    )
    try:
        reading = Reading(view, "", *rows, drift=None)
        return _compare(run, entry, original.feed, reading)
    finally:
        run.connection.execute(f"drop view {view}")


def _after_load(hold: Hold, entry: Expected) -> Hold:
    return Hold(
        "mismatch_after_load",
        f"It is loaded already. {hold.sentence}"
        f" Take it back with: {command_for('retract', entry.name)}",
    )


def _held(holds: Iterable[Hold]) -> Verdict:
    """Held for the first of the holds; the sentence tells all of them."""
    holds = list(holds)
    sentences = " ".join(hold.sentence for hold in holds)
    return Verdict("held", f"{holds[0].code}: {sentences}", holds[0].code)


def _listed(names: Iterable[str]) -> str:
    names = [shown(name) for name in names]
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(names[:10]) + more
