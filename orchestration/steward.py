"""What only a person decides, and what becomes of it in one sentence each.

Belongs here: release, retract, restore, reprocess and rollback, as the command line and the Dagster
UI call them. Does not: the rules (`loader/`, `publish.py`), the lock of the writer, which whoever
calls holds.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from duckdb import DuckDBPyConnection

from orchestration.loader.batches import release_batch
from orchestration.loader.file_names import shown
from orchestration.loader.landing import want_run
from orchestration.loader.ledger import Entry
from orchestration.loader.load import connect
from orchestration.loader.reprocess import reprocess as put_back
from orchestration.loader.retract import restore as bring_back
from orchestration.loader.retract import retract as take_back
from orchestration.publish import rollback as go_back
from orchestration.settings import ConfigurationError, Settings

_AFTERWARDS = "Readers see it after the next build: make run, or the sensor's next look."


def release(settings: Settings, batch: str, why: str) -> list[str]:
    """End the holds of a batch: the next load takes its files as they are.

    All of these functions take what a person types, keep `why`, return sentences for them and raise
    ConfigurationError when nothing of that name can be decided on, or `why` says nothing.
    """
    with _decision(settings, why) as connection:
        # Asked for first: a crash in between costs a run that finds nothing changed.
        want_run(settings, f"{shown(batch)} was released.")
        reason = release_batch(connection, batch, why)
    return [f"Released {shown(batch)}; it was held for: {reason}"]


def retract(settings: Settings, target: str, why: str) -> list[str]:
    """Take back a file or a batch: the next run builds as if it had never come."""
    return _change(settings, take_back, target, why)


def restore(settings: Settings, target: str, why: str) -> list[str]:
    """Undo the retraction of a file or a batch."""
    return _change(settings, bring_back, target, why)


def reprocess(settings: Settings, file: str, why: str) -> list[str]:
    """Put a discarded file back into landing: the next run judges it again."""
    with _decision(settings, why) as connection:
        path = put_back(connection, settings, file, why)
    return [f"{shown(path.name)} lies in landing again. It is looked at by the next run: make run"]


def rollback(settings: Settings, version: int | None = None) -> list[str]:
    """Let readers see a version again (default: the one before the current)."""
    return [f"Readers now see version {go_back(settings, version)}."]


def _change(
    settings: Settings,
    change: Callable[[DuckDBPyConnection, str, str], list[Entry]],
    target: str,
    why: str,
) -> list[str]:
    with _decision(settings, why) as connection:
        want_run(settings, f"What counts of {shown(target)} has changed.")
        entries = change(connection, target, why)
    return [*(f"{shown(entry.file_name)}: {entry.status}" for entry in entries), _AFTERWARDS]


@contextmanager
def _decision(settings: Settings, why: str) -> Iterator[DuckDBPyConnection]:
    if not why.strip():
        raise ConfigurationError("Nothing is decided: say why (--why), for who asks later.")
    with closing(connect(settings)) as connection:
        try:
            yield connection
        except LookupError as error:
            raise ConfigurationError(str(error.args[0])) from None
