"""One load: everything that is due in landing, to bronze.

Belongs here: the steps of a load in their order, the entry points for Dagster and the command
line. Does not: the rules of a step (the other modules of this package).
"""

import shutil
import time
from collections.abc import Callable, Container, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract, load_contracts
from orchestration.loader.batches import Batches
from orchestration.loader.bronze_tables import create_bronze
from orchestration.loader.deliveries import Delivery, Run, failed, staging
from orchestration.loader.erased import blank_late, finish_rewrites
from orchestration.loader.file_load import finish_move, load_stand_ins
from orchestration.loader.file_names import TRIGGER
from orchestration.loader.full_lists import check_made_full
from orchestration.loader.landing import (
    Landed,
    Note,
    Notes,
    look,
    passed_over,
    read_notes,
    write_notes,
)
from orchestration.loader.ledger import Ledger
from orchestration.loader.outcomes import BatchOutcome, FileOutcome, LoadReport
from orchestration.loader.read_ahead import read_ahead
from orchestration.loader.trigger_files import read_triggers
from orchestration.loader.units import Announced, group, load_unit
from orchestration.settings import Settings, make_private
from orchestration.warehouse import damage_of, lost_warehouse, open_warehouse

_SECONDS_BETWEEN_LINES = 5.0
# Files are smaller than DuckDB's row groups: a checkpoint after every few of them would compress
# the last group of each table again and again. Replaying so much after a crash takes seconds.
_CHECKPOINT_AFTER = "1GB"


def connect(settings: Settings) -> DuckDBPyConnection:
    """A writing connection to the warehouse, with the tables of bronze.

    Waits for another writer; raises duckdb.IOException, naming it, when it does not end, and
    ConfigurationError when the contracts are wrong, or the warehouse is lost or damaged.
    """
    contracts = load_contracts(settings.contracts_file)
    if not settings.warehouse.exists() and _is_archived(settings):
        raise lost_warehouse(settings, "is gone, though files were archived")
    connection = open_warehouse(settings)
    try:
        connection.execute("set checkpoint_threshold = ?", [_CHECKPOINT_AFTER])
        create_bronze(connection, contracts)
        is_empty = not connection.execute("from bronze.files limit 1").fetchone()
        if is_empty and _is_archived(settings):
            raise lost_warehouse(settings, "is empty, though files were archived")
    except Exception as error:
        connection.close()
        raise damage_of(settings, str(error)) or error from None
    return connection


def _is_archived(settings: Settings) -> bool:
    """Whether a data file was ever loaded or found a duplicate; the ledger then knows it."""
    folders = (path for path in settings.archive.glob("*") if path.name != TRIGGER)
    return any(path.is_file() for folder in folders for path in folder.glob("*"))


def load_landing(
    connection: DuckDBPyConnection,
    settings: Settings,
    contracts: Mapping[str, Contract],
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    report: Callable[[str], None] = lambda line: None,
    wait_for_settling: bool = False,
) -> LoadReport:
    """Load what is due in landing; what became of each file and batch that was looked at.

    `now` gives the time (with zone) that the ledger and lateness go by, `report` gets lines for a
    person. With `wait_for_settling`, files that were just dropped are waited for, at most four
    times SETTLE_SECONDS. The connection must be the only writer and outside a transaction.
    Raises ConfigurationError for a contract that loaded files forbid, and what makes the ledger
    itself unreadable; nothing in landing makes it raise.
    """
    run = Run(connection, settings, contracts, Ledger(connection), now, report)
    for contract in contracts.values():
        check_made_full(connection, contract, run.ledger)
    for line in _without_contract(run):
        report(line)
    _prepare_folders(settings)
    with staging(connection):
        return _load(run, Batches(connection), wait_for_settling)


def _load(run: Run, batches: Batches, wait_for_settling: bool) -> LoadReport:
    load_stand_ins(run)
    for line in passed_over(run.settings):
        run.report(line)
    notes = read_notes(run.settings)
    today = run.now().astimezone(UTC).date()
    landed, unsettled = look(run.settings, run.feeds, today, notes, wait_for_settling)
    known = run.ledger.known_names(list(landed))
    landed = {
        name: file for name, file in landed.items() if not (name in known and _was_taken(run, file))
    }
    announced = read_triggers(run, batches, landed.values(), unsettled)
    deliveries, unfinished = _deliveries(run, announced, landed, unsettled)
    outcomes: list[BatchOutcome] = []
    done, last_line = 0, time.monotonic()
    with closing(read_ahead(run, group(run, announced, deliveries), unfinished)) as units:
        for unit in units:
            outcomes += load_unit(run, batches, unit, unfinished)
            done += len(unit.deliveries)
            if time.monotonic() - last_line > _SECONDS_BETWEEN_LINES:
                last_line = time.monotonic()
                run.report(f"Looked at {done:,} of {len(deliveries):,} files.")
    outcomes += _batches_without_trigger(run, batches)
    blank_late(run)
    finish_rewrites(run)
    _leave_notes(run, batches, outcomes, landed, unsettled, notes)
    return LoadReport((*run.stand_ins, *run.outcomes.values()), tuple(outcomes))


def _without_contract(run: Run) -> list[str]:
    """Lines about feeds whose files count by the ledger, and whose rows no table has any more."""
    files = run.connection.execute(
        "select feed, count(*) from bronze.files where status = 'loaded' and feed <> ?"
        " group by feed order by feed",
        [TRIGGER],
    ).fetchall()
    return [
        f"{feed}: no contract has this feed any more; rows of {count:,} loaded files stay in bronze"
        " alone. If the feed was renamed, give it its old name and list the new one among its"
        " aliases."
        for feed, count in files
        if feed not in run.contracts
    ]


def _prepare_folders(settings: Settings) -> None:
    """Make the folders, and empty the scratch space: a load that was killed leaves copies there."""
    if settings.spool.exists():
        shutil.rmtree(settings.spool)
    # Whoever delivers must get into landing.
    settings.landing.mkdir(parents=True, exist_ok=True)
    for folder in (settings.archive, settings.discarded, settings.spool):
        make_private(folder)


def _was_taken(run: Run, file: Landed) -> bool:
    try:
        return finish_move(run, file)
    except Exception as error:
        failed(run, file.name, error)
        return True


def _deliveries(
    run: Run,
    announced: list[Announced],
    landed: Mapping[str, Landed],
    unsettled: Container[str],
) -> tuple[list[Delivery], set[str]]:
    """The data files that take part, and the names of those that may still be written to."""
    announced_at: dict[str, int] = {}
    for one in announced:
        written_at = one.delivery.landed.mtime_ns if one.delivery else 0
        for name in one.trigger.names:
            announced_at[name] = max(written_at, announced_at.get(name, 0))
    deliveries, unfinished = [], set()
    for name, file in landed.items():
        if file.name.is_trigger:
            continue
        if name in unsettled and name not in announced_at:
            reason = "It is still being written."
            run.settle(FileOutcome(name, "unsettled", file.name.feed, reason=reason))
            continue
        # A trigger that was written after its file says that the file is whole.
        if name in unsettled and file.mtime_ns > announced_at[name]:
            unfinished.add(name)
        deliveries.append(Delivery(file))
    return deliveries, unfinished


def _batches_without_trigger(run: Run, batches: Batches) -> list[BatchOutcome]:
    """Where batches stand that have no trigger and were once held.

    One is loaded, and its release used up, when none of its full lists is left in landing; other
    files are never held without a trigger, so that one that fails leaves the batch be.
    """
    left = {
        outcome.batch_id
        for outcome in run.outcomes.values()
        if outcome.status == "held" or (outcome.status == "failed" and _is_list(run, outcome.feed))
    }
    outcomes = []
    for batch in batches.open():
        if batch.trigger_file is not None or batch.status != "held":
            continue
        if batch.batch_id not in left:
            batch = replace(batch, reason=None, status="loaded", updated_at=run.clock)
            batches.close(batch)
        outcomes.append(BatchOutcome(batch.batch_id, batch.status, None, batch.reason))
    return outcomes


def _is_list(run: Run, feed: str | None) -> bool:
    return feed in run.contracts and run.contracts[feed].extract == "full"


def _leave_notes(
    run: Run,
    batches: Batches,
    outcomes: list[BatchOutcome],
    landed: Mapping[str, Landed],
    unsettled: Mapping[str, Note],
    before: Notes,
) -> None:
    """Say what stays in landing, for those who must not open the warehouse."""
    left = {
        batch.trigger_file: ("held" if batch.status == "held" else "waiting", batch.reason)
        for batch in outcomes
        if batch.trigger_file and batch.status != "loaded"
    }
    left |= {
        name: (outcome.status, outcome.reason)
        for name, outcome in run.outcomes.items()
        if outcome.status in ("waiting", "held", "failed")
    }
    notes = {
        name: unsettled[name]
        for name, outcome in run.outcomes.items()
        if outcome.status == "unsettled"
    }
    for name, why in left.items():
        if name in landed:
            notes[name] = Note(*landed[name].state, time.time(), *why)
            if notes[name].status == "failed":
                earlier = before.files.get(name)
                again = earlier is not None and earlier.state == notes[name].state
                failures = earlier.failures if again else 0
                notes[name] = replace(notes[name], failures=failures + 1)
    timeout = timedelta(minutes=run.settings.batch_timeout_minutes)
    late_at = [
        (batch.first_seen_at + timeout).replace(tzinfo=UTC).timestamp()
        for batch in batches.open()
        if batch.status == "waiting"
    ]
    write_notes(run.settings, Notes(notes, min(late_at, default=None)))
