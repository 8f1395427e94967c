"""Taking files back, and undoing that: what counts changes, nothing is deleted.

Belongs here: the ledger's side of `retract` and `restore`, which `withhold.py` uses as well. Does
not: loading the duplicates that stand in afterwards (the next load does), silver and gold (the next
build does).
"""

from collections.abc import Container, Iterable
from dataclasses import replace

from duckdb import DuckDBPyConnection

from orchestration.loader.file_names import shown
from orchestration.loader.ledger import Entry, Ledger

_IN_EFFECT = ("loaded", "duplicate")


def retract(connection: DuckDBPyConnection, target: str, why: str) -> list[Entry]:
    """Take back a file, or all files of a batch, as if they had never come; their entries.

    `target` is a file's name or a batch_id, `why` is kept in the ledger. Of a name of which one is
    withheld, only that is meant: what counts in its place still does. A file whose place a
    retracted one had taken counts again. Raises LookupError when nothing of that name is in effect.
    """
    ledger = Ledger(connection)
    of_name = ledger.of_name(target)
    meant = (
        [entry for entry in of_name if entry.status == "withheld"]
        or [entry for entry in of_name if entry.status in _IN_EFFECT]
        or ledger.where(
            "batch_id = ? and status in ('loaded', 'duplicate', 'withheld', 'superseded')", target
        )
    )
    if not meant:
        raise _unknown(target, "in effect")
    with ledger.transaction():
        take_out(ledger, meant, "retracted", why)
    return [ledger[entry.file_id] for entry in meant]


def restore(connection: DuckDBPyConnection, target: str, why: str) -> list[Entry]:
    """Undo a retraction: the files count again, as corrections of what counts under their name.

    A file that was replaced already when it was taken back stays so while what replaced it counts.
    Raises LookupError when nothing of that name is retracted.
    """
    ledger = Ledger(connection)
    of_name = [entry for entry in ledger.of_name(target) if entry.status == "retracted"]
    meant = of_name[-1:] or ledger.where("status = 'retracted' and batch_id = ?", target)
    if not meant:
        raise _unknown(target, "retracted")
    reason = f"restored: {why}"
    replaced = [(entry, _replaced_by(ledger, entry, meant)) for entry in meant]
    with ledger.transaction():
        for entry, by in replaced:
            if by is None:
                bring_back(ledger, entry, reason)
            else:
                back = replace(entry, status="superseded", superseded_by=by, reason=reason)
                ledger.record(back)
    return [ledger[entry.file_id] for entry in meant]


def take_out(
    ledger: Ledger, entries: Iterable[Entry], status: str, why: str, never: Container[int] = ()
) -> None:
    """Let entries count no more; what they had replaced counts again, but for the file_ids `never`.

    Belongs inside a transaction of the ledger.
    """
    entries = list(entries)
    for entry in entries:
        ledger.record(replace(entry, status=status, reason=why))
    for entry in entries:
        for replaced in ledger.of_name(entry.file_name):
            if (
                replaced.status == "superseded"
                and replaced.superseded_by == entry.file_id
                and replaced.file_id not in never
            ):
                _reinstate(ledger, replaced)


def bring_back(ledger: Ledger, entry: Entry, why: str | None) -> None:
    """Let an entry count again, as the correction of what counts under its name.

    Belongs inside a transaction of the ledger.
    """
    for other in ledger.of_name(entry.file_name):
        if other.status in _IN_EFFECT:
            ledger.record(replace(other, status="superseded", superseded_by=entry.file_id))
    _reinstate(ledger, replace(entry, reason=why))


def _unknown(target: str, state: str) -> LookupError:
    return LookupError(
        f"No file and no batch called {shown(target)!r} is {state}. Give a file's name or a"
        " batch_id as it stands in bronze.files."
    )


def _replaced_by(ledger: Ledger, entry: Entry, meant: Container[Entry]) -> int | None:
    """The file_id that had replaced an entry before it was taken back; None when none counts.

    What replaced it may have been replaced itself: the end of that chain has to count. Of the
    chain, those that are taken back and not `meant` to return are passed over.
    """
    chain = []
    while entry.superseded_by is not None:
        entry = ledger[entry.superseded_by]
        chain.append(entry)
    if not any(one.status in _IN_EFFECT for one in chain):
        return None
    return next(one.file_id for one in chain if one.status != "retracted" or one in meant)


def _reinstate(ledger: Ledger, entry: Entry) -> None:
    """Let an entry count again, unless another file of its name or with its bytes counts by now."""
    assert entry.feed is not None
    in_effect = [other for other in ledger.of_name(entry.file_name) if other.status in _IN_EFFECT]
    if in_effect:
        ledger.record(replace(entry, superseded_by=in_effect[-1].file_id))
        return
    counting = ledger.counting(entry.feed, entry.sha256, entry.file_name)
    back = replace(entry, superseded_by=None)
    if counting is not None:
        ledger.record(replace(back, status="duplicate", duplicate_of=counting.file_id))
    elif entry.rows_loaded is not None:
        ledger.record(replace(back, status="loaded", duplicate_of=None))
    else:
        # A duplicate without rows of its own: the next load reads it in its original's place.
        ledger.record(replace(back, status="duplicate"))
