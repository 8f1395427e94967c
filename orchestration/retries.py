"""Faults that pass by themselves, and trying again what they broke.

Belongs here: which faults these are, how often and after how long a step is tried again. Does not:
asking for another run after one that failed (`automation.py`).

A step that is tried again goes on: files that were loaded are in the ledger, and models that were
built have moved their marks, so that only what failed is done once more.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg
import duckdb

from orchestration.dbt_runner import DbtRun
from orchestration.warehouse import is_damage

ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 5

# A full disk, a lock that another process holds, memory that another process took.
_TRANSIENT = (OSError, MemoryError, duckdb.IOException, duckdb.OutOfMemoryException)
_LASTING = (FileExistsError, FileNotFoundError, IsADirectoryError, NotADirectoryError)
_TRANSIENT_WORDS = re.compile(r"\b(IO|Out of Memory) Error\b|No space left|Cannot allocate memory")


@contextmanager
def retrying(context: dg.AssetExecutionContext, report: Callable[[str], None]) -> Iterator[None]:
    """Have Dagster run this step again when a transient fault ends it; `report` gets a line.

    Raises RetryRequested, and after ATTEMPTS of them the fault itself.
    """
    try:
        yield
    except (*_LASTING, PermissionError):
        raise
    except _TRANSIENT as error:
        if is_damage(str(error)):
            raise
        _request(context, report, f"{type(error).__name__}: {error}", error)
        raise


def retry_if_transient(
    context: dg.AssetExecutionContext, report: Callable[[str], None], run: DbtRun
) -> None:
    """The same for an invocation of dbt that failed."""
    if is_transient(run):
        _request(context, report, run.reasons().partition("\n")[0])


def is_transient(run: DbtRun) -> bool:
    """Whether all that an invocation of dbt failed for is a fault that may pass by itself."""
    errors = [run.error] if run.error else []
    errors += [failure.message for failure in run.failures]
    may_pass = [_TRANSIENT_WORDS.search(error) and not is_damage(error) for error in errors]
    return not run.succeeded and bool(errors) and all(may_pass)


def _request(
    context: dg.AssetExecutionContext,
    report: Callable[[str], None],
    fault: str,
    cause: BaseException | None = None,
) -> None:
    if context.retry_number >= ATTEMPTS:
        return
    pause = FIRST_PAUSE_SECONDS * 2**context.retry_number
    report(f"{context.op_execution_context.op.name}: {fault} Trying again in {pause} seconds.")
    raise dg.RetryRequested(max_retries=ATTEMPTS, seconds_to_wait=pause) from cause
