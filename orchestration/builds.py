"""The audit of builds: what was built when, from what, and whether it was published.

Belongs here: the table `audit.builds`, the tables of marks, and the fingerprint by which a build is
found needless. Does not: running a build (`dbt_runner.py`), publishing it (`publish.py`).
"""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime

from duckdb import DuckDBPyConnection

from orchestration.settings import Settings

_BUILDS = """
create schema if not exists audit;
create table if not exists audit.builds (
    build_id varchar, started_at timestamp, finished_at timestamp, as_of_date date,
    status varchar, files bigint, rows bigint, published_version bigint,
    run_id varchar, fingerprint varchar
);
"""
# Bytes count once, by their earliest delivery (models/silver/deliveries.sql). What else came under
# their names, also if it counts under another, decides which file a patch means
# (macros/patches_in_ledger.sql).
_DELIVERIES = """
with loaded as (
    select feed, sha256, min(file_id) as file_id, max(rows_loaded) as rows_loaded
    from bronze.files where status = 'loaded' group by all
),
delivered as (
    select distinct
        feed, loaded.file_id, loaded.rows_loaded, files.batch_date, files.file_name
    from loaded inner join bronze.files as files using (feed, sha256)
    where files.status in ('loaded', 'duplicate')
),
named as (
    select distinct feed, file_name, sha256 from bronze.files
    where status in ('loaded', 'duplicate', 'superseded', 'retracted')
)
select feed, max(day), sum(said)::varchar
from (
    select
        feed, min(batch_date) as day,
        sum(hash(file_id, rows_loaded, batch_date, file_name)::hugeint) as said
    from delivered group by feed, file_id
    union all
    select feed, null, sum(hash(file_name, sha256)::hugeint)
    from named where file_name in (
        select file_name from named inner join loaded using (feed, sha256)
    )
    group by feed
)
group by feed order by feed
"""
# Readers see the ledger itself, too (models/audit/file_ledger.sql).
_LEDGER = "select sum(hash(file_id, status)::hugeint)::varchar from bronze.files"
_PROJECT_FOLDERS = ("models", "seeds", "snapshots", "macros", "tests")
# Per model: when its rows were written, and how far it has read its inputs; and which invocation of
# dbt was the last (macros/incremental/).
_CHANGES = """
create schema if not exists changes;
create table if not exists changes.written (
    model varchar, number bigint, is_whole boolean, code varchar, key_columns varchar
);
create table if not exists changes.read (model varchar, input varchar, number bigint);
create table if not exists changes.invocation (build_id varchar);
"""
_CODE_FOLDERS = ("models", "snapshots", "macros", "tests")
_PROJECT_FILES = ("dbt_project.yml", "profiles.yml", "requirements.lock")
_SUFFIXES = {".sql", ".yml", ".yaml", ".csv", ".md", ".lock"}


@dataclass(frozen=True)
class Build:
    """One row of audit.builds. Instants are UTC; `files` and `rows` are what its run loaded.

    `run_id` is Dagster's; `build_id` is dbt's invocation id, or the run's while dbt has not run.
    """

    build_id: str
    started_at: datetime
    finished_at: datetime | None
    as_of_date: date | None
    status: str
    files: int | None
    rows: int | None
    published_version: int | None
    run_id: str
    fingerprint: str | None


def create_builds(connection: DuckDBPyConnection) -> None:
    """Make the schema audit and its table of builds where they are missing."""
    connection.execute(_BUILDS)


def create_changes(connection: DuckDBPyConnection) -> None:
    """Make the schema changes and its marks where they are missing; dbt's macros keep them."""
    connection.execute(_CHANGES)


def begin_build(connection: DuckDBPyConnection, run_id: str) -> None:
    """Record that a run builds; beginning twice changes nothing.

    A build that still stands as running died: there is one writer at a time. A build starts after
    all others, also when the machine's clock was set back: by that the newest is known.
    """
    create_builds(connection)
    connection.execute(
        "update audit.builds set status = 'interrupted', finished_at = ?"
        " where status = 'running' and run_id <> ?",
        [_now(), run_id],
    )
    connection.execute(
        "insert into audit.builds (build_id, run_id, started_at, status, files, rows)"
        " select ?, ?, greatest(?, max(started_at) + interval 1 microsecond), 'running', 0, 0"
        " from audit.builds having count(*) filter (where run_id = ?) = 0",
        [run_id, run_id, _now(), run_id],
    )


def count_loaded(connection: DuckDBPyConnection, run_id: str, files: int, rows: int) -> None:
    """Record how many files and rows the run loaded."""
    connection.execute(
        "update audit.builds set files = ?, rows = ? where run_id = ?", [files, rows, run_id]
    )


def finish_build(
    connection: DuckDBPyConnection,
    run_id: str,
    status: str,
    *,
    build_id: str | None,
    fingerprint: str,
) -> None:
    """Record how the build ended: `built`, `failed` or `partial` (not every model was asked for).

    `build_id` is dbt's invocation id, under which audit.expectation_results counts; None when dbt
    did not get that far. `published` is what publishing makes of `built`.
    """
    connection.execute(
        "update audit.builds set status = ?, build_id = coalesce(?, build_id), fingerprint = ?,"
        " finished_at = greatest(?, started_at), as_of_date = ? where run_id = ?",
        [status, build_id, fingerprint, _now(), _as_of_date(connection), run_id],
    )
    # Only the newest builds are compared with; a fingerprint takes ten times the rest of its row.
    connection.execute(
        "update audit.builds set fingerprint = null where fingerprint is not null and started_at <"
        " (select min(started_at) from"
        " (select started_at from audit.builds order by started_at desc limit 2))"
    )


def _as_of_date(connection: DuckDBPyConnection) -> date | None:
    """The business clock as dbt left it; None where it has not built it yet."""
    relation = "table_schema = 'silver' and table_name = 'business_clock'"
    if not connection.execute(
        f"select 1 from information_schema.tables where {relation}"
    ).fetchall():
        return None
    ((as_of_date,),) = connection.execute("select as_of_date from silver.business_clock").fetchall()
    return as_of_date


def forget_build(connection: DuckDBPyConnection, run_id: str) -> None:
    """Take back the row of a run that had nothing to build."""
    connection.execute("delete from audit.builds where run_id = ?", [run_id])


def last_builds(connection: DuckDBPyConnection, count: int = 1) -> list[Build]:
    """The newest `count` builds, newest first."""
    create_builds(connection)
    return [
        Build(*row)
        for row in connection.execute(
            "select build_id, started_at, finished_at, as_of_date, status, files, rows,"
            " published_version, run_id, fingerprint"
            " from audit.builds order by started_at desc limit ?",
            [count],
        ).fetchall()
    ]


def build_is_due(connection: DuckDBPyConnection, settings: Settings, run_id: str = "") -> bool:
    """Whether a build could change anything that readers see.

    It could not when the newest build, other than that of `run_id`, was published from the same
    project and the same files. One that failed since left the working copy changed: then it could.
    """
    if not (settings.published / "orderhouse.duckdb").exists():
        return True
    newest = _last_build_but(connection, run_id)
    if newest is None or newest.status != "published":
        return True
    return newest.fingerprint != fingerprint(connection, project_fingerprint(settings))


def fingerprint(connection: DuckDBPyConnection, project: str) -> str:
    """What readers see is a function of this, as JSON: `project`, the day of the business clock,
    per feed the sum of DuckDB's hashes of its files that count and the days and names under which
    they were delivered, and one of the status of every file in the ledger.

    `project` is the project's own fingerprint.
    """
    deliveries = connection.execute(_DELIVERIES).fetchall()
    clock = max((str(day) for _, day, _ in deliveries if day is not None), default=None)
    feeds = {feed: said for feed, _, said in deliveries}
    (ledger,) = connection.execute(_LEDGER).fetchone()
    return json.dumps({"project": project, "clock": clock, "feeds": feeds, "ledger": ledger})


@dataclass(frozen=True)
class Changed:
    """What is new since a build: feeds whose files changed, whether the business clock moved."""

    feeds: frozenset[str]
    clock_moved: bool


def changed_since_last_build(
    connection: DuckDBPyConnection, project: str, run_id: str
) -> Changed | None:
    """What changed since the build before that of `run_id`.

    None (anything) when it did not pass, was partial, or built another project.
    """
    last = _last_build_but(connection, run_id)
    if last is None or last.status not in ("built", "published"):
        return None
    return what_changed(last.fingerprint, fingerprint(connection, project))


def is_as_built(connection: DuckDBPyConnection, run_id: str = "") -> bool:
    """Whether dbt has not run by hand since the last build other than that of `run_id`.

    It might have taken other seeds or variables, of which no fingerprint tells.
    """
    last = _last_build_but(connection, run_id)
    create_changes(connection)
    ran = connection.execute("from changes.invocation").fetchall()
    return last is not None and ran == [(last.build_id,)]


def _last_build_but(connection: DuckDBPyConnection, run_id: str) -> Build | None:
    return next((build for build in last_builds(connection, 2) if build.run_id != run_id), None)


def what_changed(before: str, now: str) -> Changed | None:
    """The difference of two fingerprints; None when they are of two projects.

    One that does not read was written by an earlier version of this module: another project.
    """
    try:
        was, is_now = json.loads(before), json.loads(now)
    except ValueError:
        return None
    if was["project"] != is_now["project"]:
        return None
    feeds = dict(was["feeds"].items() ^ is_now["feeds"].items())
    return Changed(frozenset(feeds), was["clock"] != is_now["clock"])


def project_fingerprint(settings: Settings) -> str:
    """SHA-256 (hex) over names and bytes of everything that dbt reads in the project."""
    return _fingerprint_of(settings, _PROJECT_FOLDERS)


def code_fingerprint(settings: Settings, pii_key: str) -> str:
    """SHA-256 (hex) over what turns the rows of bronze and the seeds into tables.

    That is the project without seeds, and the key of the keyed hashes. Tables built by another code
    are built whole again: then changed tests look at every row, too.
    """
    code = _fingerprint_of(settings, _CODE_FOLDERS)
    return hmac.digest(pii_key.encode(), code.encode(), "sha256").hex()


def _fingerprint_of(settings: Settings, folders: tuple[str, ...]) -> str:
    paths = [settings.project_dir / name for name in _PROJECT_FILES]
    for folder in folders:
        paths += (settings.project_dir / folder).rglob("*")
    digest = hashlib.sha256()
    for path in sorted(paths):
        if path.suffix in _SUFFIXES and path.is_file():
            digest.update(str(path.relative_to(settings.project_dir)).encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
