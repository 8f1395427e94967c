"""What was told to whom: alerts by occurrence, and their messages until they are sent.

Belongs here: the SQLite file `warehouse/alerts.sqlite`. It survives restarts, and runs and the
daemon share it, which DuckDB would not let them. Does not: what is worth an alert (`alerts.py`),
how a message travels (`channels.py`).
"""

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from orchestration.settings import Settings, make_private

_TABLES = """
create table if not exists alerts (
    alert_id integer primary key, kind text not null, subject text not null, title text not null,
    over text, opened_at text not null, closed_at text
);
create unique index if not exists open_alerts on alerts (kind, subject) where closed_at is null;
create table if not exists messages (
    message_id integer primary key, alert_id integer not null references alerts,
    channel text not null, title text not null, body text not null, queued_at text not null,
    attempts integer not null default 0, claimed_at real, sent_at text, error text
);
"""
_BUSY_SECONDS = 10
# A sender that died holds its message no longer; it is then sent, perhaps for a second time.
_CLAIM_SECONDS = 120
# A provider that is down makes all its feeds late: that is one message, not nine.
_MOST_ALIKE = 3


@dataclass(frozen=True)
class Alert:
    """One occurrence that a person should know of.

    `kind` and `subject` tell it from others; `cause` has the figures, `command` is what helps.
    `over` is what is told when it has ended, None for nothing. What `happens_once` has no end, and
    is never told again.
    """

    kind: str
    subject: str
    title: str
    cause: str
    command: str
    over: str | None = None
    happens_once: bool = False

    @property
    def body(self) -> str:
        return f"{self.cause}\nWhat helps: {self.command}"


@dataclass(frozen=True)
class Message:
    """One message to one channel; `attempts` is how often it could not be sent so far."""

    message_id: int
    channel: str
    title: str
    body: str
    attempts: int


@dataclass(frozen=True)
class Ended:
    """An occurrence that is over; `told` is what was to be told of its end."""

    kind: str
    subject: str
    told: str | None


@contextmanager
def outbox(settings: Settings) -> Iterator["Outbox"]:
    """The outbox of a warehouse, made when missing."""
    file = settings.warehouse.with_name("alerts.sqlite")
    make_private(file.parent)
    with closing(sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
        connection.executescript(_TABLES)
        yield Outbox(connection)


class Outbox:
    """Alerts and messages of one warehouse; each method is one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("begin immediate")
        try:
            yield
            self._connection.execute("commit")
        except BaseException:
            self._connection.execute("rollback")
            raise

    def observe(
        self, kinds: Iterable[str], alerts: Iterable[Alert], channels: Iterable[str]
    ) -> tuple[list[Alert], list[Ended]]:
        """Compare all occurrences of some kinds that there are now with those known.

        A new one is queued for the channels, once for as long as it lasts. One that is no more has
        ended; its end is queued where it says so. Gives the new and the ended ones.
        """
        kinds, channels = tuple(kinds), tuple(channels)
        now = {(alert.kind, alert.subject): alert for alert in alerts}
        with self._transaction():
            known = self._connection.execute(
                "select alert_id, kind, subject, title, over, closed_at from alerts where kind in"
                f" ({', '.join('?' for _ in kinds)})",
                kinds,
            ).fetchall()
            is_open = {(kind, subject) for _, kind, subject, _, _, closed in known if not closed}
            ever = {(kind, subject) for _, kind, subject, _, _, _ in known}
            new = [
                alert
                for key, alert in now.items()
                if key not in (ever if alert.happens_once else is_open)
            ]
            opened = [(self._open(alert), alert.kind, alert.title, alert.body) for alert in new]
            self._queue(opened, channels)
            ended = [row for row in known if row[5] is None and row[1:3] not in now]
            self._connection.executemany(
                "update alerts set closed_at = ? where alert_id = ?",
                [(_now(), row[0]) for row in ended],
            )
            told = [
                (alert_id, kind, f"Over: {title}", over)
                for alert_id, kind, _, title, over, _ in ended
                if over is not None
            ]
            self._queue(told, channels)
        return new, [Ended(kind, subject, over) for _, kind, subject, _, over, _ in ended]

    def _open(self, alert: Alert) -> int | None:
        cursor = self._connection.execute(
            "insert into alerts (kind, subject, title, over, opened_at, closed_at)"
            " values (?, ?, ?, ?, ?, ?)",
            [
                alert.kind,
                alert.subject,
                alert.title,
                alert.over,
                _now(),
                _now() if alert.happens_once else None,
            ],
        )
        return cursor.lastrowid

    def _queue(
        self, told: list[tuple[int | None, str, str, str]], channels: tuple[str, ...]
    ) -> None:
        """One message for each (alert_id, kind, title, body), or one for many of a kind."""
        kinds: dict[str, list[tuple[int | None, str, str]]] = {}
        for alert_id, kind, title, body in told:
            kinds.setdefault(kind, []).append((alert_id, title, body))
        messages = []
        for alike in kinds.values():
            if len(alike) > _MOST_ALIKE:
                titles, bodies = [one[1] for one in alike], [one[2] for one in alike]
                alike = [
                    (alike[0][0], f"{len(alike)} alerts: {'; '.join(titles)}", "\n\n".join(bodies))
                ]
            messages += alike
        self._connection.executemany(
            "insert into messages (alert_id, channel, title, body, queued_at)"
            " values (?, ?, ?, ?, ?)",
            [
                (alert_id, channel, title, body, _now())
                for alert_id, title, body in messages
                for channel in channels
            ],
        )

    def claim(self, channel: str) -> Message | None:
        """The oldest message of a channel that is not sent and that nobody is sending now."""
        with self._transaction():
            now = time.time()
            row = self._connection.execute(
                "select message_id, channel, title, body, attempts from messages"
                " where channel = ? and sent_at is null"
                # A claim after now was made by a clock that was set back since.
                " and (claimed_at is null or claimed_at not between ? and ?)"
                " order by message_id limit 1",
                [channel, now - _CLAIM_SECONDS, now],
            ).fetchone()
            if row is None:
                return None
            self._connection.execute(
                "update messages set claimed_at = ? where message_id = ?", [now, row[0]]
            )
        return Message(*row)

    def sent(self, message: Message) -> None:
        """Record that a claimed message has left."""
        self._connection.execute(
            "update messages set sent_at = ?, claimed_at = null, error = null where message_id = ?",
            [_now(), message.message_id],
        )

    def failed(self, message: Message, error: str) -> None:
        """Record that a claimed message could not be sent; it is due at the next occasion."""
        self._connection.execute(
            "update messages set attempts = attempts + 1, claimed_at = null, error = ?"
            " where message_id = ?",
            [error, message.message_id],
        )

    def unsent(self) -> list[tuple[str, str, str]]:
        """Channel, title and last error of each message that is not sent, oldest first."""
        return self._connection.execute(
            "select channel, title, coalesce(error, '') from messages where sent_at is null"
            " order by message_id"
        ).fetchall()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
