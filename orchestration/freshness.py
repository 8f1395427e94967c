"""Which feeds are late: what their contracts expect, beside what has arrived.

Belongs here: judging lateness by the wall clock, and the note that lets others judge it without
opening the warehouse. Does not: telling somebody (`alerts.py`), Dagster's checks (`watching.py`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract, feed_names
from orchestration.loader.landing import list_landing
from orchestration.settings import Settings

FEEDS_FILE = "feeds.json"
# A delivery that came so soon after its batch date is today's business, not history.
_LIVE_DAYS = 3


@dataclass(frozen=True)
class Arrivals:
    """What has arrived of a feed: its newest batch date, and whether deliveries come day by day."""

    newest: date
    is_live: bool


@dataclass(frozen=True)
class LateFeed:
    """A feed whose delivery of `batch_date` is not there; `late_since` (UTC, without zone)."""

    feed: str
    batch_date: date
    late_since: datetime
    newest: date

    @property
    def sentence(self) -> str:
        return (
            f"Nothing of {self.feed} has come for {self.batch_date}; it was expected by"
            f" {self.late_since:%Y-%m-%d %H:%M} UTC at the latest. The newest delivery is of"
            f" {self.newest}."
        )


def note_arrivals(
    connection: DuckDBPyConnection, settings: Settings, contracts: Mapping[str, Contract]
) -> None:
    """Write down what the ledger says has arrived of each feed.

    A feed is live once a delivery was put on record within days of its batch date: history that is
    loaded years later, and demo data, are never late.
    """
    rows = connection.execute(
        "select feed, max(batch_date), bool_or(date_diff('day', batch_date, loaded_at) <= ?)"
        " from bronze.files where status <> 'discarded' and batch_date is not null group by feed",
        [_LIVE_DAYS + max((c.expected.days_after for c in _expecting(contracts)), default=0)],
    ).fetchall()
    document = {
        feed: {"newest": str(newest), "is_live": is_live}
        for feed, newest, is_live in rows
        if feed in contracts
    }
    draft = _feeds_file(settings).with_suffix(".json.new")
    draft.write_text(json.dumps(document), encoding="utf-8")
    draft.replace(_feeds_file(settings))


def late_feeds(
    settings: Settings, contracts: Mapping[str, Contract], now: datetime
) -> dict[str, LateFeed] | None:
    """The feeds that are late at `now` (with zone), by name; None when the note is not there.

    Never opens the warehouse.

    A feed without the option `expected`, and one that is not live, is never late. What lies in
    landing has arrived: when it may not be loaded yet, its batch says why.
    """
    clock = now.astimezone(UTC).replace(tzinfo=None)
    arrivals = _arrivals(settings)
    if arrivals is None:
        return None
    landed = _in_landing(settings, contracts, clock.date())
    late = {}
    for contract in _expecting(contracts):
        arrived = arrivals.get(contract.feed)
        if arrived is None or not arrived.is_live or contract.expected is None:
            continue
        newest = max(arrived.newest, landed.get(contract.feed, date.min))
        due = contract.expected.newest_due(clock)
        if newest < due:
            late[contract.feed] = LateFeed(
                contract.feed, due, contract.expected.late_at(due), newest
            )
    return late


def _expecting(contracts: Mapping[str, Contract]) -> list[Contract]:
    return [contract for contract in contracts.values() if contract.expected is not None]


def _feeds_file(settings: Settings) -> Path:
    return settings.warehouse.with_name(FEEDS_FILE)


def _arrivals(settings: Settings) -> dict[str, Arrivals] | None:
    """What the last load noted; None when the note is missing or unreadable."""
    try:
        document = json.loads(_feeds_file(settings).read_text(encoding="utf-8"))
        return {
            feed: Arrivals(date.fromisoformat(one["newest"]), bool(one["is_live"]))
            for feed, one in document.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _in_landing(
    settings: Settings, contracts: Mapping[str, Contract], today: date
) -> dict[str, date]:
    """The newest batch date of each feed among the files in landing."""
    newest: dict[str, date] = {}
    if settings.landing.is_dir():
        for file in list_landing(settings, feed_names(dict(contracts)), today).values():
            name = file.name
            if name.refusal is None and name.feed in contracts and name.batch_date:
                newest[name.feed] = max(name.batch_date, newest.get(name.feed, date.min))
    return newest
