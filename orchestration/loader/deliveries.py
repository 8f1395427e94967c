"""What the steps of one load share, and one file on its way: hashed and read at most once.

Belongs here: state that ends with the load. Does not: what is recorded of a file (`file_load.py`).
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from errno import EAGAIN
from functools import cached_property
from itertools import count
from pathlib import Path

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract, feed_names
from orchestration.loader.file_names import FileName, shown
from orchestration.loader.landing import Landed
from orchestration.loader.ledger import Ledger
from orchestration.loader.outcomes import FileOutcome
from orchestration.loader.policies import seed_values
from orchestration.loader.reading import Reading, read
from orchestration.loader.refusal import Refused
from orchestration.loader.spool import FileChanged, Fingerprint, fingerprint, spool
from orchestration.people import IsPerson, erased_people
from orchestration.settings import Settings

_log = logging.getLogger(__name__)

# What is read and not yet loaded. A database in memory, which spills as all of DuckDB does: temp
# tables would be seen by the connection alone that made them, and a schema of the warehouse would
# be written to disk.
_STAGING = "staging"


@contextmanager
def staging(connection: DuckDBPyConnection) -> Iterator[None]:
    """Have a place for the tables of files that are read and not yet loaded."""
    connection.execute(f"attach ':memory:' as {_STAGING}")
    try:
        yield
    finally:
        connection.execute(f"detach {_STAGING}")


@dataclass
class Run:
    """What the steps of one load share.

    `outcomes` holds what became of the files in landing, by name, `stand_ins` what became of
    files that were loaded from the archive.
    """

    connection: DuckDBPyConnection
    settings: Settings
    contracts: Mapping[str, Contract]
    ledger: Ledger
    now: Callable[[], datetime]
    report: Callable[[str], None]
    outcomes: dict[str, FileOutcome] = field(default_factory=dict)
    stand_ins: list[FileOutcome] = field(default_factory=list)
    table_numbers: Iterator[int] = field(default_factory=count)
    _lookups: dict[str, set[str]] = field(default_factory=dict)

    @cached_property
    def feeds(self) -> dict[str, Contract]:
        return feed_names(dict(self.contracts))

    @cached_property
    def is_erased(self) -> IsPerson | None:
        """Names somebody whose erasure began, ended or not; None when nobody's did."""
        return erased_people(self.connection, self.settings, self.contracts, cleared=False)

    @cached_property
    def is_cleared(self) -> IsPerson | None:
        """Names somebody who is erased from bronze; None when nobody is.

        Of one whose erasure was cut off before, bronze has the values that are to be looked for.
        """
        return erased_people(self.connection, self.settings, self.contracts, cleared=True)

    @property
    def clock(self) -> datetime:
        """Now, in UTC, as the tables hold it."""
        return self.now().astimezone(UTC).replace(tzinfo=None)

    def lookup(self, seed: str) -> set[str]:
        if seed not in self._lookups:
            self._lookups[seed] = seed_values(self.settings.project_dir, seed)
        return self._lookups[seed]

    def settle(self, outcome: FileOutcome) -> None:
        """Keep the outcome of a file in landing, and tell what a person may want to act on."""
        self.outcomes[outcome.file_name] = outcome
        self._tell(outcome)

    def settle_stand_in(self, outcome: FileOutcome) -> None:
        """Keep the outcome of a file in the archive; its name may also lie in landing, anew."""
        self.stand_ins.append(outcome)
        self._tell(outcome)

    def _tell(self, outcome: FileOutcome) -> None:
        if outcome.status in ("discarded", "failed"):
            code = f" ({outcome.code})" if outcome.code else ""
            self.report(f"{shown(outcome.file_name)}: {outcome.status}{code}. {outcome.reason}")


@dataclass
class Delivery:
    """One file in landing on its way: read at most once, into tables of its own."""

    landed: Landed
    batch_id: str | None = None
    reading: Reading | None = None
    refusal: Refused | None = None

    @property
    def name(self) -> FileName:
        return self.landed.name

    @cached_property
    def seen(self) -> Fingerprint:
        """Hash and state of the file. Raises OSError, FileChanged since landing was listed."""
        seen = fingerprint(self.landed.path)
        if (seen.size_bytes, seen.mtime_ns) != self.landed.state:
            raise FileChanged(EAGAIN, "the file was written to since it was found")
        return seen

    @property
    def is_read(self) -> bool:
        return self.reading is not None or self.refusal is not None


def sentence_of(error: BaseException) -> str:
    """An unexpected error in one line."""
    lines = str(error).strip().splitlines()
    return shown(f"{type(error).__name__}: {lines[0] if lines else 'no message'}")


def failed(run: Run, name: FileName, error: Exception) -> None:
    """Keep that a file in landing could not be handled, through no fault of its own."""
    _log.debug("%s could not be handled", shown(name.name), exc_info=error)
    reason = f"It stays in landing and is due again: {sentence_of(error)}"
    outcome = FileOutcome(name.name, "failed", name.feed, reason=reason, batch_id=name.batch_id)
    run.settle(outcome)


def read_delivery(run: Run, delivery: Delivery) -> None:
    """Read a file into tables, or learn why it is refused. Raises what is not its fault."""
    if delivery.is_read:
        return
    try:
        if delivery.name.refusal is not None:
            raise delivery.name.refusal
        name, path = delivery.name, delivery.landed.path
        assert name.feed is not None
        delivery.reading = read_file(run, path, name, run.contracts[name.feed], delivery.seen)
    except Refused as refusal:
        delivery.refusal = refusal


def forget_reading(run: Run, reading: Reading | None) -> None:
    """Drop the tables of a reading."""
    if reading is not None:
        for table in (reading.table, reading.rejected_table):
            run.connection.execute(f"drop table if exists {table}")


def read_file(
    run: Run, path: Path, name: FileName, contract: Contract, seen: Fingerprint
) -> Reading:
    """Read the file at `path`, called `name`, into tables of its own. Raises as `reading.read`."""
    assert name.file_format is not None
    spooled = spool(path, contract, seen, run.settings.spool)
    table = f"reading_{next(run.table_numbers)}"
    try:
        with run.connection.cursor() as reader:
            reader.execute(f"use {_STAGING}")
            reading = read(reader, contract, spooled, name.file_format, table, run.lookup)
    finally:
        spooled.path.unlink(missing_ok=True)
    return replace(
        reading,
        table=f"{_STAGING}.main.{reading.table}",
        rejected_table=f"{_STAGING}.main.{reading.rejected_table}",
    )
