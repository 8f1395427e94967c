"""Taking files back, and undoing that: what counts changes, nothing is deleted.

Belongs here: the ledger's side of `retract` and `restore`. Does not: loading the duplicates that
stand in afterwards (the next load does), silver and gold (the next build does).
"""

from dataclasses import replace

from duckdb import DuckDBPyConnection

from orchestration.loader.file_names import shown
from orchestration.loader.ledger import Entry, Ledger

_IN_EFFECT = ("loaded", "duplicate")


def retract(connection: DuckDBPyConnection, target: str, why: str) -> list[Entry]:
    """Take back a file, or all files of a batch, as if they had never come; their entries.

    `target` is a file's name or a batch_id, `why` is kept in the ledger. A file whose place a
    retracted one had taken counts again. Raises LookupError when nothing of that name is in effect.
    """
    ledger = Ledger(connection)
    in_effect = [entry for entry in ledger.entries() if entry.status in _IN_EFFECT]
    meant = [entry for entry in in_effect if entry.file_name == target] or [
        entry
        for entry in ledger.entries()
        if entry.batch_id == target and entry.status in (*_IN_EFFECT, "superseded")
    ]
    if not meant:
        raise _unknown(target, "in effect")
    with ledger.transaction():
        for entry in meant:
            ledger.record(replace(entry, status="retracted", reason=why))
        for entry in meant:
            for replaced in ledger.of_name(entry.file_name):
                if replaced.status == "superseded" and replaced.superseded_by == entry.file_id:
                    _reinstate(ledger, replaced)
    return [ledger[entry.file_id] for entry in meant]


def restore(connection: DuckDBPyConnection, target: str, why: str) -> list[Entry]:
    """Undo a retraction: the files count again, as corrections of what counts under their name.

    Raises LookupError when nothing of that name is retracted.
    """
    ledger = Ledger(connection)
    retracted = [entry for entry in ledger.entries() if entry.status == "retracted"]
    meant = [entry for entry in retracted if entry.file_name == target][-1:] or [
        entry for entry in retracted if entry.batch_id == target
    ]
    if not meant:
        raise _unknown(target, "retracted")
    with ledger.transaction():
        for entry in meant:
            for other in ledger.of_name(entry.file_name):
                if other.status in _IN_EFFECT:
                    by = entry.file_id
                    ledger.record(replace(other, status="superseded", superseded_by=by))
            _reinstate(ledger, replace(entry, reason=f"restored: {why}"))
    return [ledger[entry.file_id] for entry in meant]


def _unknown(target: str, state: str) -> LookupError:
    return LookupError(
        f"No file and no batch called {shown(target)!r} is {state}. Give a file's name or a"
        " batch_id as it stands in bronze.files."
    )


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
