"""Erasing a person: the steps in their order, and the certificate.

Belongs here: what follows what, so that a crash at any moment is made good by erasing once more.
Does not: a step (the other modules of this package).

Files come first, because the values to look for stand in bronze; then bronze and what silver made
of it, in one transaction; then the build, a new file for the warehouse, and new published files in
the place of all versions. Every step finds done what an earlier attempt did.
"""

import json
import re
import sqlite3
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from orchestration.breaker import build_without_far_off
from orchestration.builds import begin_build, fingerprint, finish_build, project_fingerprint
from orchestration.contracts import Contract, load_contracts
from orchestration.dbt_runner import DbtRun, invoke
from orchestration.erasure.files import Files, is_delivered, roots
from orchestration.erasure.find import contacts_of, find_rows, traces_of
from orchestration.erasure.look import is_database, look
from orchestration.erasure.pages import remove_drafts, rewrite_warehouse
from orchestration.erasure.patches import lines_of_patches
from orchestration.erasure.run_store import clear_run_store
from orchestration.erasure.tables import clear_tables
from orchestration.loader.load import connect
from orchestration.people import key_of, person_hash
from orchestration.publish import (
    analyst_edition,
    forget_versions_before,
    publish,
    steward_edition,
)
from orchestration.settings import ConfigurationError, Settings
from orchestration.transaction import transaction
from orchestration.warehouse import writer_lock

Report = Callable[[str], None]


@dataclass(frozen=True)
class Certificate:
    """What an erasure says of itself, as it stands in `audit.erasures`: nothing personal.

    `places` has how many rows or files were cleared, by place. `names_elsewhere` counts files in
    which a name still stands that nobody else of the customers has: a town, a brand, a product.
    `unread` are delivered files that no search can read. `version` is the published one.
    """

    person_hash: str
    places: Mapping[str, int]
    names_elsewhere: int
    unread: list[Path]
    version: int


class ErasureError(Exception):
    """The person is not wholly erased; the message says what is left and what to do."""


def erase(
    settings: Settings, customer_id: str, why: str, dagster_home: Path, report: Report
) -> Certificate:
    """Erase a person everywhere, build, publish, and search all bytes for what is left.

    `why` is kept in the certificate. Raises ConfigurationError when nobody is known by this id or
    `why` or a patch names the person, ErasureError when something is left: then erase again.
    """
    for name, text in (("CUSTOMER_ID", customer_id), ("--why", why)):
        if not text.strip():
            raise ConfigurationError(f"{name} is blank. Say whom to erase, and for which request.")
    contracts = load_contracts(settings.contracts_file)
    hashed = person_hash(key_of(settings), customer_id)
    folders = roots(settings, dagster_home)
    with ExitStack() as attempt, writer_lock(settings, report):
        remove_drafts(settings)
        with closing(connect(settings)) as connection:
            rows = find_rows(connection, contracts, customer_id)
            _check_known(connection, hashed, customer_id, sum(one.count for one in rows.values()))
            contacts = contacts_of(connection, settings, contracts, rows, customer_id)
            _check_why(why, customer_id, contacts)
            traces = traces_of(connection, contracts, rows, customer_id, contacts)
            if lines := lines_of_patches(connection, settings, contracts, rows, traces):
                raise ConfigurationError(
                    f"seeds/patches.csv holds this person's data in line {lines[0]}. Take the line"
                    " out, and out of the repository's history; then erase again."
                )
            _note_begin(connection, hashed, why)
            attempt.enter_context(_said_to_be_unfinished())
            report("Looking through all files.")
            seen = look(folders, traces)
            files = Files(connection, settings, contracts, rows, traces)
            if unfinished := files.being_written(seen):
                raise ErasureError(_what_is_left(settings, unfinished))
            files.clear(seen)
            in_runs = Counter({"runs of Dagster": clear_run_store(traces)})
            with transaction(connection):
                cleared = clear_tables(
                    connection, contracts, rows, traces, sorted(files.with_traces)
                )
                _note_places(connection, hashed, files.changed + in_runs + Counter(cleared))
        report("Building what follows from the rows that are left.")
        run_id = _build(settings, report)
        report("Writing the warehouse and the published files anew.")
        made = rewrite_warehouse(settings)
        with closing(connect(settings)) as connection:
            _check_tables(connection, contracts, customer_id)
            published = publish(connection, settings, run_id, made=made)
        remove_drafts(settings)
        # Bronze has forgotten the values to look for: should any be left, the versions before tell
        # them to the next attempt.
        after = look(folders, traces, seen, _versions_before(settings, published.version))
        unread = sorted(path for path in after.unread if is_delivered(settings, path))
        if after.telling:
            raise ErasureError(_what_is_left(settings, sorted(after.telling), unread))
        forget_versions_before(settings, published.version)
        with closing(connect(settings)) as connection:
            places = _note_end(connection, hashed, published.version)
    elsewhere = sum(not is_database(path) for path in after.words)
    return Certificate(hashed, places, elsewhere, unread, published.version)


@contextmanager
def _said_to_be_unfinished() -> Iterator[None]:
    """What cuts an erasure off is told with the way to end it."""
    try:
        yield
    except (OSError, ValueError, BrokenExecutor, duckdb.Error, sqlite3.Error) as error:
        raise ErasureError(
            f"The person is not wholly erased: {error}\n"
            "Mend that, then give the same command again."
        ) from error


def _versions_before(settings: Settings, version: int) -> set[Path]:
    return {
        path.resolve()
        for edition in (analyst_edition(settings), steward_edition(settings))
        for number, path in edition.versions().items()
        if number < version
    }


def _what_is_left(settings: Settings, telling: list[Path], unread: Sequence[Path] = ()) -> str:
    count = "1 file" if len(telling) == 1 else f"{len(telling)} files"
    listed = ", ".join(str(path) for path in telling[:5])
    landing = settings.landing.resolve()
    sentence = ""
    if any(landing in path.parents for path in telling):
        sentence = " Files in landing are still being written; remove what nobody will finish."
    if not {*telling}.isdisjoint(unread):
        sentence += " A delivered file that is locked or broken can only be removed, by hand."
    return (
        f"Values of the person still stand in {count}: {listed}.{sentence}"
        " Close what writes them, then erase again."
    )


def _check_known(connection: DuckDBPyConnection, hashed: str, customer_id: str, count: int) -> None:
    was_erased = connection.execute(
        "from audit.erasures where person_hash = ? limit 1", [hashed]
    ).fetchone()
    if not count and not was_erased:
        raise ConfigurationError(
            f"No customer {customer_id!r} was ever delivered. Give the id as it stands in"
            " silver.customers.customer_id."
        )


def _check_why(why: str, customer_id: str, values: set[str]) -> None:
    for value in [customer_id.strip(), *values]:
        if len(value) > 1 and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", why, re.IGNORECASE):
            raise ConfigurationError(
                "--why names the person, and it is kept for good. Give the reason without their"
                " data, for example the number of their request."
            )


def _note_begin(connection: DuckDBPyConnection, hashed: str, why: str) -> None:
    """Put the person on record, before anything is erased: from now on no load takes them in."""
    row = connection.execute(
        "from audit.erasures where person_hash = ? and status <> 'complete' limit 1", [hashed]
    ).fetchone()
    if row is None:
        connection.execute(
            "insert into audit.erasures values (?, ?, 'started', ?, null, '{}', null, null)",
            [hashed, why, _now()],
        )


def _note_places(connection: DuckDBPyConnection, hashed: str, places: Mapping[str, int]) -> None:
    """Add what was cleared to what an earlier attempt has cleared."""
    (before,) = connection.execute(
        "select places from audit.erasures where person_hash = ? and status <> 'complete'", [hashed]
    ).fetchone()
    connection.execute(
        "update audit.erasures set places = ?, status = 'cleared'"
        " where person_hash = ? and status <> 'complete'",
        [_as_json(Counter(places) + Counter(json.loads(before))), hashed],
    )


def _note_end(connection: DuckDBPyConnection, hashed: str, version: int) -> dict[str, int]:
    (places,) = connection.execute(
        "update audit.erasures set status = 'complete', completed_at = ?, published_version = ?,"
        " build_id = (select build_id from audit.builds where published_version = ?)"
        " where person_hash = ? and status <> 'complete' returning places",
        [_now(), version, version, hashed],
    ).fetchone()
    return json.loads(places)


def _build(settings: Settings, report: Report) -> str:
    run_id = f"erasure-{uuid.uuid4()}"
    with closing(connect(settings)) as connection:
        begin_build(connection, run_id)
    project = project_fingerprint(settings)

    def build() -> DbtRun:
        return invoke(settings, ["build", "--exclude-resource-type", "unit_test"])

    run = build_without_far_off(settings, build, report, is_whole=True)
    with closing(connect(settings)) as connection:
        finish_build(
            connection,
            run_id,
            "built" if run.succeeded else "failed",
            build_id=run.invocation_id,
            fingerprint=fingerprint(connection, project),
        )
    if not run.succeeded:
        raise ErasureError(
            "Files and bronze are cleared, but the build failed, so that readers still see the"
            f" version before. Mend the cause, then erase again.\n{run.reasons()}"
        )
    return run_id


def _check_tables(
    connection: DuckDBPyConnection, contracts: Mapping[str, Contract], customer_id: str
) -> None:
    left = {
        feed: rows.personal
        for feed, rows in find_rows(connection, contracts, customer_id).items()
        if rows.personal
    }
    if left:
        raise ErasureError(f"Rows of the person still hold personal data: {left}. Erase again.")


def _as_json(places: Mapping[str, int]) -> str:
    return json.dumps({place: count for place, count in sorted(places.items()) if count})


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
