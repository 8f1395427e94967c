"""Putting a discarded file back into landing, to be judged again after its cause was mended.

Belongs here: the ledger's mark, the way back of the file and the end of its reason file. Does not:
loading it again (the next load does, as it would any delivery).
"""

import os
from dataclasses import replace
from pathlib import Path

from duckdb import DuckDBPyConnection

from orchestration.loader.file_names import shown
from orchestration.loader.ledger import Entry, Ledger
from orchestration.loader.moves import copies_by_bytes, copies_by_name, put_back
from orchestration.loader.withhold import command_for
from orchestration.settings import Settings

_MOST_NAMES = 10


def reprocess(connection: DuckDBPyConnection, settings: Settings, target: str, why: str) -> Path:
    """Put a discarded file back into landing under the name it came by; its path there.

    `target` is the file's name in the ledger or in `discarded/` (of several deliveries of one name
    the last is meant), `why` is kept in the ledger. A crash at any moment leaves the file in one
    folder; the same command goes on from there. Raises LookupError, with a sentence, when there
    is no such file, or one of its name lies in landing or came later and counts.
    """
    ledger = Ledger(connection)
    entry, copy, name = _find(ledger, settings, Path(target).name)
    goal = settings.landing / name
    if os.path.lexists(goal):
        raise LookupError(f"{shown(name)} lies in landing already. Load that first: make run")
    if any(
        other.status in ("loaded", "duplicate") and other.file_id > entry.file_id
        for other in ledger.of_name(entry.file_name)
    ):
        raise LookupError(
            f"A later delivery of {shown(name)} counts by now, and this one would take its place."
            f" If that is meant, take the later one back first: {command_for('retract', name)}"
        )
    with ledger.transaction():
        ledger.record(replace(entry, reprocessed=why))
    put_back(copy, goal)
    return goal


def _find(ledger: Ledger, settings: Settings, target: str) -> tuple[Entry, Path, str]:
    """The last discarded delivery that is called so, where it lies, the name it came by."""
    discarded = ledger.where("status = 'discarded'")[::-1]
    # A marked one that still lies there was on its way when the machine went down.
    for entry in sorted(discarded, key=lambda entry: entry.reprocessed is not None):
        tag = str(entry.file_id)
        if target not in (entry.file_name, f"{entry.file_name}.{tag}"):
            continue
        folder = settings.discarded / (entry.feed or "_unknown")
        contents = ledger.contents(entry)
        if copies := copies_by_name(folder, entry.file_name, [tag], contents):
            return entry, copies[-1], entry.file_name
        if "\\x" in entry.file_name:
            # The name has bytes that are no text, so that the ledger's is not the one to look for.
            copy = next(copies_by_bytes(folder, contents), None)
            if copy is not None:
                return entry, copy, copy.name.removesuffix(f".{tag}")
    open_names = [shown(entry.file_name) for entry in discarded if entry.reprocessed is None]
    names = list(dict.fromkeys(open_names))
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    raise LookupError(
        f"No file {shown(target)!r} lies in {settings.discarded}; discarded are:"
        f" {', '.join(names[:_MOST_NAMES]) or 'none'}{more}."
    )
