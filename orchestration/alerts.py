"""What a person must be told: batches held or late, breakers open, feeds late, runs failed.

Belongs here: finding it in the ledger and the loader's notes, and its words: cause, figures, file
and the command that helps; no personal data. Does not: remembering and sending (`outbox.py`,
`channels.py`), lateness itself (`freshness.py`), Dagster (`watching.py`).
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract
from orchestration.freshness import late_feeds, note_arrivals
from orchestration.loader.file_names import shown
from orchestration.loader.withhold import command_for, withheld_files
from orchestration.outbox import Alert, Ended, outbox
from orchestration.settings import Settings

Report = Callable[[str], None]

_HELD, _LATE, _BREAKER, _FEED, _RUN = (
    "batch_held",
    "batch_late",
    "breaker_open",
    "feed_late",
    "run_failed",
)
_LONGEST_ERROR = 1200
# Messages of DuckDB may quote values of rows; what stands in quotes, addresses and long numbers go.
_PERSONAL = re.compile(r"'[^']*'|\"[^\"]*\"|\S+@\S+|\+?\d[\d ()/-]{5,}\d")


def observe_warehouse(
    connection: DuckDBPyConnection,
    settings: Settings,
    contracts: Mapping[str, Contract],
    report: Report,
    now: datetime | None = None,
) -> None:
    """After a load or a build: take note of what must be told, and tell the log (`report`).

    Each occurrence is told once; sending it to others is left to `send_alerts`, without the lock of
    the writer. Never raises what concerns alerts alone.
    """
    try:
        note_arrivals(connection, settings, contracts)
    except OSError as error:
        report(f"What has arrived could not be noted, so that no feed is called late: {error}")
    alerts = [
        *_batches(connection),
        *_open_breakers(connection),
        *(_late_feeds(settings, contracts, now or datetime.now(UTC)) or ()),
    ]
    _observe(settings, (_HELD, _LATE, _BREAKER, _FEED), alerts, report)


def observe_feeds(
    settings: Settings,
    contracts: Mapping[str, Contract],
    report: Report,
    now: datetime | None = None,
) -> set[str]:
    """Take note of feeds that are late, without the warehouse; those that began or ceased to be.

    Without the loader's note nobody knows, and nothing changes until the next load.
    """
    alerts = _late_feeds(settings, contracts, now or datetime.now(UTC))
    if alerts is None:
        return set()
    new, ended = _observe(settings, (_FEED,), alerts, report)
    return {alert.subject for alert in new} | {one.subject for one in ended}


def observe_failed_run(
    settings: Settings, run_id: str, job: str, error: str, report: Report
) -> None:
    """Take note of a run that failed; `error` is what it said of itself, values are taken out."""
    text = _PERSONAL.sub("…", error.strip())
    alert = Alert(
        kind=_RUN,
        subject=run_id,
        title=f"Run failed: {job}",
        cause=(
            f"Readers still see the last version that passed. Run {run_id}:"
            f" {text[:_LONGEST_ERROR] or 'it ended without saying why.'}"
        ),
        command="make run, once the cause is mended (make dev shows the run; docs/runbook.md)",
        happens_once=True,
    )
    _observe(settings, (_RUN,), [alert], report)


def send_alerts(settings: Settings, report: Report) -> None:
    """Send what is queued; a channel that is down delays this by some ten seconds at most."""
    if not settings.alerts.channels:
        return
    # Their imports (ssl, smtplib) cost a tenth of a second, which a run without channels need not
    # pay.
    from orchestration.channels import send_queued

    try:
        with outbox(settings) as box:
            problems = send_queued(box, settings.alerts)
    except (sqlite3.Error, OSError) as error:
        problems = [f"Alerts could not be sent: {error}"]
    for problem in problems:
        report(problem)


def unsent_alerts(settings: Settings) -> list[tuple[str, str, str]]:
    """Channel, title and last error of each message that could not be sent yet, oldest first."""
    try:
        with outbox(settings) as box:
            return box.unsent()
    except (sqlite3.Error, OSError) as error:
        return [("", "The record of alerts cannot be read", str(error))]


def _observe(
    settings: Settings, kinds: tuple[str, ...], alerts: Iterable[Alert], report: Report
) -> tuple[list[Alert], list[Ended]]:
    try:
        with outbox(settings) as box:
            new, ended = box.observe(kinds, alerts, settings.alerts.channels)
    except (sqlite3.Error, OSError) as error:
        report(f"Alerts could not be recorded: {error}")
        return [], []
    for alert in new:
        report(f"Alert: {alert.title}. {alert.body}")
    for one in ended:
        if one.told is not None:
            report(f"Alert is over: {one.told}")
    return new, ended


def _batches(connection: DuckDBPyConnection) -> list[Alert]:
    alerts = []
    for batch_id, status, reason, trigger in connection.execute(
        "select batch_id, status, coalesce(reason, ''), trigger_file from bronze.batches"
        " where status in ('held', 'late') order by batch_id"
    ).fetchall():
        name = shown(batch_id)
        if status == "held":
            right = "the right file or a corrected trigger" if trigger else "a right list"
            alerts.append(
                Alert(
                    kind=_HELD,
                    # Another figure that differs is another occurrence.
                    subject=f"{batch_id}\n{reason}",
                    title=f"Batch held: {name}",
                    cause=reason,
                    command=(
                        f"drop {right} into landing, then make run; or, if the files are right:"
                        f" {command_for('release', batch_id)}, then make run"
                    ),
                )
            )
        else:
            alerts.append(
                Alert(
                    kind=_LATE,
                    subject=batch_id,
                    title=f"Batch late: {name}",
                    cause=reason,
                    command="ask its provider; once all of it lies in landing: make run",
                )
            )
    return alerts


def _open_breakers(connection: DuckDBPyConnection) -> list[Alert]:
    return [
        Alert(
            kind=_BREAKER,
            subject=str(one.file_id),
            title=f"Circuit breaker open: {one.feed} of batch {shown(one.batch_id)}",
            cause=f"{shown(one.file_name)} is loaded and not published: {one.reason}",
            command=(
                f"if it is right: {one.command}, then make run; if it is wrong:"
                f" {command_for('retract', one.file_name)}, or drop a correction"
            ),
            happens_once=True,
        )
        for one in withheld_files(connection)
    ]


def _late_feeds(
    settings: Settings, contracts: Mapping[str, Contract], now: datetime
) -> list[Alert] | None:
    late_now = late_feeds(settings, contracts, now)
    if late_now is None:
        return None
    return [
        Alert(
            kind=_FEED,
            subject=late.feed,
            title=f"Feed late: {late.feed}",
            cause=late.sentence,
            command=(
                f"ask its provider, drop {late.feed}_{late.batch_date:%Y_%m_%d}.* into landing,"
                " then make run. When it is expected stands in its contract"
                " (models/bronze/_bronze__sources.yml, expected)"
            ),
            over=f"{late.feed} is late no more.",
        )
        for late in late_now.values()
    ]
