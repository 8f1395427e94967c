"""Units of work: files that must be judged together, and their way through a load.

Belongs here: which files hang together, what is kept back, the order of loading, where a batch
stands afterwards. Does not: the judgement of one trigger (`batches.py`), one file (`file_load.py`).
"""

from collections import defaultdict
from collections.abc import Container, Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from orchestration.loader.batches import READY, Batches, Verdict, judge, waiting_status
from orchestration.loader.batches import Batch as BatchRow
from orchestration.loader.deliveries import (
    Delivery,
    Run,
    failed,
    forget_reading,
    read_delivery,
    sentence_of,
)
from orchestration.loader.file_load import store
from orchestration.loader.file_names import TRIGGER, shown
from orchestration.loader.full_lists import mass_delete
from orchestration.loader.moves import move
from orchestration.loader.outcomes import BatchOutcome, FileOutcome
from orchestration.loader.triggers import Hold, Trigger, archive_tag

_IN_LANDING = ("held", "waiting", "unsettled", "failed")


@dataclass(frozen=True)
class Announced:
    """A trigger; `delivery` is its file, None when that is no longer in landing."""

    trigger: Trigger
    delivery: Delivery | None


@dataclass
class Unit:
    """Files that triggers or a full list tie together, by name, and their triggers."""

    announced: list[Announced] = field(default_factory=list)
    deliveries: dict[str, Delivery] = field(default_factory=dict)

    @property
    def order(self) -> tuple[date, str]:
        """Batch date, then name, of what comes first in it."""
        files = [_order(delivery) for delivery in self.deliveries.values()]
        triggers = [(one.trigger.batch_date, one.trigger.batch_id) for one in self.announced]
        return min(files or triggers)

    def naming(self, file_name: str) -> list[Trigger]:
        """The triggers that name a file."""
        return [one.trigger for one in self.announced if file_name in one.trigger.names]


def group(run: Run, announced: Iterable[Announced], files: Iterable[Delivery]) -> list[Unit]:
    """All units, in the order in which they are loaded.

    Two triggers hang together when they name one file, files when one trigger names them or when
    they are parts of one full list.
    """
    parents: dict[tuple, tuple] = {}

    def root(node: tuple) -> tuple:
        while (parent := parents.setdefault(node, node)) != node:
            parents[node] = parents[parent]
            node = parent
        return node

    announced, files = list(announced), list(files)
    for one in announced:
        for name in one.trigger.names:
            parents[root(("file", name))] = root(("trigger", one.trigger.batch_id))
    for delivery in files:
        if _is_full_list(run, delivery):
            full_list = ("list", delivery.name.feed, delivery.name.batch_date)
            parents[root(("file", delivery.name.name))] = root(full_list)
    units: dict[tuple, Unit] = defaultdict(Unit)
    for one in sorted(announced, key=lambda one: (one.trigger.batch_date, one.trigger.batch_id)):
        units[root(("trigger", one.trigger.batch_id))].announced.append(one)
    for delivery in sorted(files, key=_order):
        units[root(("file", delivery.name.name))].deliveries[delivery.name.name] = delivery
    return sorted(units.values(), key=lambda unit: unit.order)


def load_unit(
    run: Run, batches: Batches, unit: Unit, unfinished: Container[str]
) -> list[BatchOutcome]:
    """Judge a unit's triggers, then load what they let through; what becomes of each batch.

    `unfinished` names files that may still be written to. A file that fails leaves the others be.
    """
    verdicts = {
        one.trigger.batch_id: _judge(run, batches, unit, one.trigger, unfinished)
        for one in unit.announced
    }
    try:
        due = []
        for delivery in unit.deliveries.values():
            triggers = unit.naming(delivery.name.name)
            delivery.batch_id = triggers[0].batch_id if triggers else delivery.name.batch_id
            blocking = [
                verdict
                for trigger in triggers
                if (verdict := verdicts[trigger.batch_id]) is not READY
            ]
            if blocking:
                _keep_back(run, delivery, blocking)
            else:
                due.append(delivery)
        for delivery in _guard_full_lists(run, batches, unit, due):
            try:
                store(run, delivery)
            except Exception as error:
                failed(run, delivery.name, error)
            forget_reading(run, delivery.reading)
            delivery.reading = None
    finally:
        for delivery in unit.deliveries.values():
            forget_reading(run, delivery.reading)
    return [_conclude(run, batches, one, verdicts[one.trigger.batch_id]) for one in unit.announced]


def _order(delivery: Delivery) -> tuple[date, str]:
    return delivery.name.batch_date or date.min, delivery.name.name


def _is_full_list(run: Run, delivery: Delivery) -> bool:
    name = delivery.name
    return (
        name.feed is not None
        and name.refusal is None
        and run.contracts[name.feed].extract == "full"
    )


def _judge(
    run: Run, batches: Batches, unit: Unit, trigger: Trigger, unfinished: Container[str]
) -> Verdict:
    released = batches.release(trigger.batch_id) is not None
    try:
        return judge(run, trigger, unit.deliveries, unfinished, released)
    except Exception as error:
        sentence = f"It could not be checked now: {sentence_of(error)}"
        run.report(f"{shown(trigger.file_name)}: {sentence}")
        return Verdict("waiting", sentence)


def _keep_back(run: Run, delivery: Delivery, blocking: list[Verdict]) -> None:
    if delivery.name.name in run.outcomes:  # it has failed, which says more
        return
    verdict = next((one for one in blocking if one.status == "held"), blocking[0])
    run.settle(
        FileOutcome(
            delivery.name.name,
            verdict.status,
            delivery.name.feed,
            verdict.code,
            verdict.reason,
            batch_id=delivery.batch_id,
        )
    )


def _guard_full_lists(
    run: Run, batches: Batches, unit: Unit, due: list[Delivery]
) -> list[Delivery]:
    """Those of the due files that no guard of a full list holds."""
    lists: dict[tuple[str, date], list[Delivery]] = defaultdict(list)
    for delivery in due:
        if _is_full_list(run, delivery):
            assert delivery.name.feed is not None and delivery.name.batch_date is not None
            lists[delivery.name.feed, delivery.name.batch_date].append(delivery)
    for (feed, batch_date), parts in lists.items():
        batch_ids = {
            *(part.batch_id for part in parts),
            *(trigger.batch_id for part in parts for trigger in unit.naming(part.name.name)),
        }
        if any(batches.release(batch_id) is not None for batch_id in batch_ids):
            continue
        hold = _mass_delete(run, feed, batch_date, parts)
        if hold is None:
            continue
        run.report(f"{feed} of {batch_date}: held ({hold.code}). {hold.sentence}")
        for part in parts:
            if part.name.name in run.outcomes:
                continue
            run.settle(
                FileOutcome(
                    part.name.name, "held", feed, hold.code, str(hold), batch_id=part.batch_id
                )
            )
            if not unit.naming(part.name.name):
                _hold_without_trigger(run, batches, part, hold)
    return [delivery for delivery in due if delivery.name.name not in run.outcomes]


def _mass_delete(run: Run, feed: str, batch_date: date, parts: list[Delivery]) -> Hold | None:
    tables, replaced = [], []
    for part in parts:
        try:
            verdict = run.ledger.judge(feed, part.name.name, part.seen.sha256)
            if verdict.duplicate_of is not None:
                continue
            read_delivery(run, part)
        except Exception as error:
            failed(run, part.name, error)
            continue
        if part.reading is not None:
            tables.append(part.reading.table)
            replaced += verdict.supersedes
    try:
        contract = run.contracts[feed]
        return mass_delete(run.connection, contract, run.ledger, batch_date, tables, replaced)
    except Exception as error:
        for part in parts:
            failed(run, part.name, error)
        return None


def _hold_without_trigger(run: Run, batches: Batches, part: Delivery, hold: Hold) -> None:
    assert part.batch_id is not None
    before = batches.get(part.batch_id)
    is_new = before is None or before.status != "held"
    batches.put(
        BatchRow(
            batch_id=part.batch_id,
            batch_date=part.name.batch_date,
            trigger_file=None,
            trigger_id=None,
            status="held",
            reason=str(hold),
            trigger_json=None,
            sha256=None,
            first_seen_at=run.clock if is_new or before is None else before.first_seen_at,
            updated_at=run.clock,
        )
    )


def _conclude(run: Run, batches: Batches, one: Announced, verdict: Verdict) -> BatchOutcome:
    """Record where a batch stands; when all of it is taken, its trigger goes to the archive."""
    trigger = one.trigger
    batch = batches.get(trigger.batch_id)
    assert batch is not None
    status, reason = verdict.status, verdict.reason
    if verdict is READY:
        left = [
            outcome
            for name in trigger.names
            if (outcome := run.outcomes.get(name)) and outcome.status in _IN_LANDING
        ]
        holds = [outcome for outcome in left if outcome.status == "held"]
        status = "held" if holds else "waiting" if left else "loaded"
        reasons = [f"{shown(outcome.file_name)}: {outcome.reason}" for outcome in holds or left]
        reason = " ".join(reasons) if left else _how_loaded(run, batches, trigger)
    if status == "waiting":
        status = waiting_status(run, batch)
    after = replace(batch, status=status, reason=reason, updated_at=run.clock)
    if status == "loaded":
        batches.close(after)
        _archive_trigger(run, one)
    else:
        if (batch.status, batch.reason) != (status, reason):
            run.report(f"{shown(trigger.file_name)}: {status}. {reason}")
        batches.put(after)
    return BatchOutcome(trigger.batch_id, status, trigger.file_name, reason)


def _how_loaded(run: Run, batches: Batches, trigger: Trigger) -> str | None:
    """Which files of a loaded batch were refused, and whether it was released."""
    notes = []
    if (why := batches.release(trigger.batch_id)) is not None:
        notes.append(f"Released: {why}.")
    for entry in trigger.expected:
        known = run.ledger.delivered(entry.name, entry.sha256)
        if known is not None and known.status == "discarded":
            notes.append(f"{shown(entry.name)} was refused ({known.reason}).")
    return " ".join(dict.fromkeys(notes)) or None


def _archive_trigger(run: Run, one: Announced) -> None:
    if one.delivery is None:
        return
    try:
        seen = one.delivery.seen
        move(
            one.delivery.landed.path, run.settings.archive / TRIGGER, seen, archive_tag(seen.sha256)
        )
    except OSError as error:
        name = shown(one.trigger.file_name)
        run.report(f"{name}: loaded, but it still lies in landing: {sentence_of(error)}")
