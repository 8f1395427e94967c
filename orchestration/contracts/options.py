"""Rules of a contract that need more than a line: when a feed is expected, when it is far off,
what a mask can hide.

Belongs here: what is right and the sentence for what is wrong. Does not: the contract around them
(`checks.py`), judging lateness (`freshness.py`) or deliveries (`macros/breaker_limits.sql`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_EVERY = {"day": _WEEKDAYS, "weekday": _WEEKDAYS[:5]} | {name: (name,) for name in _WEEKDAYS}
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z")
_LONGEST_WAIT_DAYS = 31

# Option of a breaker → whether a value may be it, and what it must be. Defaults stand in the macro.
BREAKER_OPTIONS: dict[str, tuple[Callable[[float], bool], str]] = {
    "min_dates": (lambda n: n >= 1 and n == int(n), "a whole number of at least 1"),
    "recent_dates": (lambda n: n >= 1 and n == int(n), "a whole number of at least 1"),
    "deviations": (lambda n: n > 0, "a number greater than 0"),
    "volume_factor": (lambda n: n > 1, "a number greater than 1"),
    "quarantine_share": (lambda n: 0 < n <= 1, "a number greater than 0, at most 1"),
    "min_rows": (lambda n: n >= 0 and n == int(n), "a whole number of at least 0"),
}
# Mask → the types of the columns it can hide (macros/masked_columns.sql); it can drop any.
_MASKED_TYPES = {
    "email": ("text",),
    "phone": ("text",),
    "year": ("date", "instant"),
    "redact": ("text", "json"),
}


@dataclass(frozen=True)
class Expected:
    """When a feed's deliveries are expected: one for each batch date that falls on `weekdays`.

    It is there by the time `by` (UTC), `days_after` days after its batch date, and late
    `grace_minutes` (minutes) after that. Weekdays are as of `date.weekday`, Monday is 0.
    """

    weekdays: frozenset[int]
    by: time
    days_after: int = 1
    grace_minutes: float = 60.0

    def late_at(self, batch_date: date) -> datetime:
        """The instant (UTC, without zone) from which on the delivery of a batch date is late."""
        due = datetime.combine(batch_date + timedelta(days=self.days_after), self.by)
        return due + timedelta(minutes=self.grace_minutes)

    def newest_due(self, now: datetime) -> date:
        """The newest batch date whose delivery should be there at `now` (UTC, without zone)."""
        return next(
            day
            for back in count()
            if (day := now.date() - timedelta(days=back)).weekday() in self.weekdays
            and self.late_at(day) <= now
        )


def read_expected(options: Any) -> Expected:
    """What the option `expected` says. Raises ValueError with what is wrong."""
    _check_names("expected", options, {"every", "by", "days_after", "grace_minutes"})
    if missing := {"every", "by"} - set(options):
        raise ValueError(f"expected needs {min(missing)}.")
    every = options["every"]
    names = every if isinstance(every, list) else [every]
    if not names or any(not isinstance(name, str) or name not in _EVERY for name in names):
        raise ValueError(
            f"expected.every is {every!r}; it must be day, weekday, the name of a day such as"
            " monday, or a list of such names."
        )
    by = _TIME.match(options["by"]) if isinstance(options["by"], str) else None
    if by is None:
        raise ValueError(
            f'expected.by is {options["by"]!r}; it must be a time of day, UTC, in quotes: "06:00".'
        )
    days_after = options.get("days_after", 1)
    if not _is_number(days_after) or days_after not in range(_LONGEST_WAIT_DAYS + 1):
        raise ValueError(
            f"expected.days_after is {days_after!r}; it must be a whole number from 0 to"
            f" {_LONGEST_WAIT_DAYS}."
        )
    grace = options.get("grace_minutes", 60)
    if not _is_number(grace) or not 0 <= grace <= _LONGEST_WAIT_DAYS * 24 * 60:
        raise ValueError(
            f"expected.grace_minutes is {grace!r}; it must be a number of minutes of at least 0,"
            f" at most {_LONGEST_WAIT_DAYS} days."
        )
    weekdays = {_WEEKDAYS.index(day) for name in names for day in _EVERY[name]}
    return Expected(frozenset(weekdays), time(int(by[1]), int(by[2])), days_after, float(grace))


def check_breaker(options: Any) -> None:
    """Raises ValueError with what is wrong with the option `breaker`."""
    if options is False:
        return
    _check_names("breaker", options, set(BREAKER_OPTIONS), or_else=" or false")
    for name, value in options.items():
        is_right, must_be = BREAKER_OPTIONS[name]
        if not _is_number(value) or not is_right(value):
            raise ValueError(f"breaker.{name} is {value!r}; it must be {must_be}.")


def check_mask(mask: str, type_: str) -> None:
    """Raises ValueError when a mask cannot hide values of a type."""
    types = _MASKED_TYPES.get(mask, (type_,))
    if type_ not in types:
        raise ValueError(
            f"mask {mask} hides a column of the type {' or '.join(types)}, and this one is"
            f" {type_}; take another mask, or drop."
        )


def _check_names(option: str, options: Any, known: set[str], or_else: str = "") -> None:
    if not isinstance(options, dict):
        raise ValueError(f"{option} is {options!r}; it must be a mapping{or_else}.")
    if unknown := set(options) - known:
        raise ValueError(
            f"{option} has the unknown option {min(map(str, unknown))!r}; known are"
            f" {', '.join(sorted(known))}."
        )


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) < float("inf")  # also false for .nan
    )
