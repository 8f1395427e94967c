"""The circuit breaker's side of the ledger: files in bronze that do not count until released.

Belongs here: withholding a delivery, letting it count again, which files have passed. Does not:
judging a delivery (`tests/generic/deliveries_are_usual.sql`), running dbt (`breaker.py`).
"""

import hashlib
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract
from orchestration.loader.file_names import shown
from orchestration.loader.ledger import Entry, Ledger
from orchestration.loader.retract import bring_back, take_out


@dataclass(frozen=True)
class Finding:
    """One figure of a delivery that is far off: a row of the test deliveries_are_usual.

    `measure` is `rows`, or `quarantined`: percent of its rows. Usual is `lowest` to `highest`, from
    median and MAD (median absolute deviation) of `earlier_dates` batch dates before.
    """

    feed: str
    delivery: str
    batch_id: str
    batch_date: date
    measure: str
    measured_value: float
    median_value: float
    mad: float
    lowest: float
    highest: float
    earlier_dates: int
    row_count: int
    quarantined_count: int

    @property
    def sentence(self) -> str:
        """The figures, for a person."""
        compared = f"the {self.earlier_dates} batch dates before had a median of"
        if self.measure == "rows":
            return (
                f"{self.row_count:,} rows; {compared} {self.median_value:,.0f} (MAD"
                f" {self.mad:,.0f}), usual are {max(self.lowest, 0):,.0f} to {self.highest:,.0f}"
            )
        return (
            f"{self.measured_value:.1f} % of {self.row_count:,} rows in quarantine"
            f" ({self.quarantined_count:,}); {compared} {self.median_value:.1f} % (MAD"
            f" {self.mad:.1f}), usual is up to {self.highest:.1f} %"
        )


@dataclass(frozen=True)
class Withheld:
    """A file that the open breaker keeps from being published; `reason` has the figures."""

    file_id: int
    file_name: str
    feed: str
    batch_id: str
    reason: str

    @property
    def command(self) -> str:
        """What lets it count, when it is right after all."""
        return command_for("release", self.batch_id)


def command_for(decision: str, target: str) -> str:
    """The command that releases or retracts a batch or file, as a shell takes it."""
    return f'python -m orchestration {decision} {shlex.quote(shown(target))} --why "…"'


def withheld_files(connection: DuckDBPyConnection) -> list[Withheld]:
    """What is withheld now, by batch and feed."""
    entries = Ledger(connection).where("status = 'withheld'")
    return sorted(map(_withheld, entries), key=lambda one: (one.batch_id, one.feed, one.file_name))


def withhold(
    connection: DuckDBPyConnection,
    contracts: Mapping[str, Contract],
    project: str,
    findings: Iterable[Finding],
) -> list[Withheld]:
    """Let deliveries that are far off count no more, and record why; what is withheld by it.

    What they had corrected counts again. `project` is the fingerprint of the dbt project: once it
    or the files that the judgement rests on are others, `reconsider` has them judged anew.
    """
    by_delivery: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        by_delivery.setdefault((finding.feed, finding.delivery), []).append(finding)
    if not by_delivery:
        return []
    ledger = Ledger(connection)
    passed = _file_ids(connection, "passed_files")
    # A withheld file that a correction replaced must not count because that is withheld as well.
    never = _file_ids(connection, "breakers") - passed
    taken: list[tuple[Entry, list[Finding]]] = []
    with ledger.transaction():
        for (feed, delivery), found in by_delivery.items():
            entries = [
                entry
                for entry in ledger.where(
                    "feed = ? and status = 'loaded' and ? in (file_name, batch_id)", feed, delivery
                )
                if entry.file_id not in passed
            ]
            reason = ". ".join(finding.sentence for finding in found) + "."
            take_out(ledger, entries, "withheld", reason, never)
            taken += [(ledger[entry.file_id], found) for entry in entries]
        for entry, found in taken:
            _record(connection, entry, found, _rests_on(connection, contracts, project, entry))
    return [_withheld(entry) for entry, _ in taken]


def release_withheld(connection: DuckDBPyConnection, batch_id: str, why: str) -> list[Entry]:
    """Let the withheld files of a batch count from the next build on; none when it has none.

    They are not judged again; `why` is kept.
    """
    ledger = Ledger(connection)
    meant = ledger.where("status = 'withheld' and batch_id = ?", batch_id)
    with ledger.transaction():
        for entry in meant:
            bring_back(ledger, entry, f"released: {why}")
            connection.execute(
                "insert into bronze.passed_files values (?, ?, ?)", [entry.file_id, _now(), why]
            )
    return meant


def reconsider(
    connection: DuckDBPyConnection, contracts: Mapping[str, Contract], project: str
) -> list[Entry]:
    """Let withheld files count again where what their judgement rests on has changed.

    The next build judges them anew; `project` is as for `withhold`.
    """
    ledger = Ledger(connection)
    before = dict(
        connection.execute(
            "select file_id, min(rests_on) from bronze.breakers group by file_id"
        ).fetchall()
    )
    meant = [
        entry
        for entry in ledger.where("status = 'withheld'")
        if before.get(entry.file_id) != _rests_on(connection, contracts, project, entry)
    ]
    with ledger.transaction():
        for entry in meant:
            bring_back(ledger, entry, None)
    return meant


def pass_files(connection: DuckDBPyConnection) -> None:
    """Record that all files that count have passed: a build tested them, and they were usual."""
    connection.execute(
        "insert into bronze.passed_files select file_id, ?, null from bronze.files"
        " where status = 'loaded' and file_id not in (select file_id from bronze.passed_files)",
        [_now()],
    )


def pass_published_files(connection: DuckDBPyConnection) -> None:
    """Record as passed what was published before there was a breaker."""
    if not connection.execute("from bronze.passed_files limit 1").fetchone():
        connection.execute(
            "insert into bronze.passed_files select file_id, ?, null from bronze.files"
            " where status = 'loaded' and loaded_at < ("
            " select max(finished_at) from audit.builds where status = 'published')",
            [_now()],
        )


def read_findings(connection: DuckDBPyConnection, table: str) -> list[Finding]:
    """The rows that a failed test deliveries_are_usual has left in `table`."""
    columns = ", ".join(field.name for field in fields(Finding))
    return [
        Finding(*row)
        for row in connection.execute(f"select {columns} from {table} order by all").fetchall()
    ]


def _withheld(entry: Entry) -> Withheld:
    return Withheld(
        entry.file_id, entry.file_name, entry.feed or "", entry.batch_id or "", entry.reason or ""
    )


def _rests_on(
    connection: DuckDBPyConnection, contracts: Mapping[str, Contract], project: str, entry: Entry
) -> str:
    """SHA-256 (hex) over what a file's judgement rests on.

    That is the project with its lookups, patches and limits, the deliveries of its feed up to its
    batch date and all deliveries of the feeds that it refers to, as they count.
    """
    rows = connection.execute(
        "select file_id from bronze.files where status = 'loaded' and feed in (select unnest(?))"
        " and (feed <> ? or batch_date is null or batch_date <= ?) order by file_id",
        [
            sorted(_with_parents(contracts, entry.feed or "")),
            entry.feed or "",
            entry.batch_date or date.max,
        ],
    ).fetchall()
    files = [file_id for (file_id,) in rows]
    return hashlib.sha256(repr((project, files)).encode()).hexdigest()


def _with_parents(contracts: Mapping[str, Contract], feed: str) -> set[str]:
    found, todo = set(), [feed]
    while todo:
        one = todo.pop()
        if one in contracts and one not in found:
            found.add(one)
            todo += [c.references for c in contracts[one].columns if c.references]
    return found


def _record(
    connection: DuckDBPyConnection, entry: Entry, found: Iterable[Finding], rests_on: str
) -> None:
    """Keep the figures; a file that was withheld before keeps the time of its first opening."""
    row = connection.execute(
        "select min(opened_at) from bronze.breakers where file_id = ?", [entry.file_id]
    ).fetchone()
    opened_at = (row and row[0]) or _now()
    connection.execute("delete from bronze.breakers where file_id = ?", [entry.file_id])
    for finding in found:
        connection.execute(
            "insert into bronze.breakers values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                entry.file_id,
                finding.measure,
                finding.measured_value,
                finding.median_value,
                finding.mad,
                finding.lowest,
                finding.highest,
                finding.earlier_dates,
                opened_at,
                rests_on,
            ],
        )


def _file_ids(connection: DuckDBPyConnection, table: str) -> set[int]:
    rows = connection.execute(f"select file_id from bronze.{table}").fetchall()
    return {file_id for (file_id,) in rows}


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
