"""What a file's name says: feed, batch date, format, or why it cannot be taken.

Belongs here: the grammar `<feed>_<YYYY_MM_DD>[_<anything>].<csv|json|ndjson|jsonl>[.gz]` and that
of triggers, and how a hostile name is written down. Does not: looking at the file behind the name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from orchestration.contracts import Contract
from orchestration.loader.refusal import Refused

TRIGGER = "trigger"

_DATE = re.compile(r"(?P<feed>.*?)_(?P<date>[0-9]{4}_[0-9]{2}_[0-9]{2})(?=[_.]|\Z)", re.DOTALL)
_ENDING = re.compile(r"(?:_.*)?\.(?P<format>csv|json|ndjson|jsonl)(?:\.gz)?\Z", re.DOTALL | re.I)
_TRIGGER_ENDING = re.compile(r"(?:_.*)?\.json\Z", re.DOTALL | re.I)
_UNFINISHED = (".tmp", ".part", ".crdownload")


@dataclass(frozen=True)
class FileName:
    """One name, read.

    `feed` is the contract's name of the feed (whatever alias the file used), `trigger`, or None;
    `file_format` is "csv" or "json"; `refusal` says why a file of this name is discarded.
    """

    name: str
    feed: str | None = None
    batch_date: date | None = None
    file_format: str | None = None
    refusal: Refused | None = None

    @property
    def is_trigger(self) -> bool:
        return self.feed == TRIGGER

    @property
    def batch_id(self) -> str | None:
        """Of a trigger the stem of its name, of other files the batch date."""
        if self.is_trigger:
            return self.name.rpartition(".")[0] or self.name
        return self.batch_date.isoformat() if self.batch_date else None

    @property
    def folder(self) -> str:
        """Name of the folder under archive/ or discarded/."""
        return self.feed or "_unknown"


def is_unfinished(name: str) -> bool:
    """Whether the name says that the file is still being written."""
    return name.startswith((".", "_")) or name.lower().endswith(_UNFINISHED)


def text_of(name: str) -> str:
    """The name as text that UTF-8 can hold; bytes that are no UTF-8 become `\\xff`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def shown(name: str) -> str:
    """The name for one line of a log: nothing in it breaks the line or moves the cursor."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text_of(name)
    )


def read_name(name: str, feeds: Mapping[str, Contract], today: date) -> FileName:
    """What `name` says. `feeds` maps every name of a feed, in lower case, to its contract.

    A data file dated more than a day after `today` (UTC) is refused: one mistyped year must not
    move the business clock. A trigger's date moves nothing.
    """
    name = text_of(name)
    match = _DATE.match(name)
    feed = _feed(match["feed"] if match else None, name, feeds)
    if feed is None:
        known = ", ".join(sorted({contract.feed for contract in feeds.values()}))
        return FileName(
            name,
            refusal=Refused("unknown_feed", f"The name begins with no feed known here ({known})."),
        )
    batch_date = _day(match["date"]) if match else None
    if match is None or batch_date is None:
        return FileName(
            name,
            feed,
            refusal=Refused(
                "no_batch_date",
                f"The name must begin with {feed}_YYYY_MM_DD, a day that exists,"
                " followed by '_' or the extension.",
            ),
        )
    rest = name[match.end() :]
    if feed == TRIGGER:
        if not _TRIGGER_ENDING.match(rest):
            refusal = Refused("unknown_format", "A trigger's name must end in .json.")
            return FileName(name, feed, batch_date, refusal=refusal)
        return FileName(name, feed, batch_date, "json")
    ending = _ENDING.match(rest)
    if ending is None:
        refusal = Refused(
            "unknown_format",
            "After the date the name must go on with _<anything> or end, in .csv, .json, .ndjson"
            " or .jsonl, with .gz after it when packed.",
        )
        return FileName(name, feed, batch_date, refusal=refusal)
    file_format = "csv" if ending["format"].lower() == "csv" else "json"
    refusal = None
    if batch_date > today + timedelta(days=1):
        refusal = Refused(
            "batch_date_in_future",
            f"The batch date {batch_date} is more than a day after today ({today}).",
        )
    return FileName(name, feed, batch_date, file_format, refusal)


def _feed(stated: str | None, name: str, feeds: Mapping[str, Contract]) -> str | None:
    known = {**{alias: contract.feed for alias, contract in feeds.items()}, TRIGGER: TRIGGER}
    if stated is not None:
        return known.get(stated.lower())
    # Without a date the longest name of a feed that the file's name begins with is meant.
    lowered = name.lower()
    for alias in sorted(known, key=len, reverse=True):
        rest = lowered[len(alias) :]
        if lowered.startswith(alias) and not rest[:1].isalnum():
            return known[alias]
    return None


def _day(text: str) -> date | None:
    year, month, day = map(int, text.split("_"))
    try:
        return date(year, month, day)
    except ValueError:
        return None
