"""What a trigger file announces, and whether what arrived agrees with it.

Belongs here: reading the JSON of a trigger, comparing its figures. Does not: where the figures of
a file come from, nor what becomes of a batch (`batches.py`).
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any

from orchestration.contracts import Contract
from orchestration.loader.file_names import FileName, is_unfinished, read_name, shown
from orchestration.loader.refusal import Refused

MAX_TRIGGER_BYTES = 16 * 1024 * 1024
_MAX_DIGITS = 60


@dataclass(frozen=True)
class Expected:
    """One file that a trigger names. `totals`: column → sum, exact."""

    name: str
    rows: int | None = None
    sha256: str | None = None
    totals: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def needs_reading(self) -> bool:
        return self.rows is not None or bool(self.totals)


@dataclass(frozen=True)
class Trigger:
    """One trigger file, read. `expected` may name one file twice: both entries are checked."""

    batch_id: str
    file_name: str
    batch_date: date
    trigger_id: str | None
    ready: bool
    expected: tuple[Expected, ...]
    text: str
    sha256: str

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(entry.name for entry in self.expected))


@dataclass(frozen=True)
class Hold:
    """Why a batch or file is kept back: a code of the landing contract and a sentence."""

    code: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}"


def read_trigger(data: bytes, name: FileName, sha256: str) -> Trigger:
    """The trigger in `data`. Raises Refused("bad_trigger") with what is wrong."""
    if len(data) > MAX_TRIGGER_BYTES:
        raise _bad(f"it is larger than {MAX_TRIGGER_BYTES} bytes")
    try:
        text = data.decode(json.detect_encoding(data)).removeprefix("\ufeff")
        document = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=Decimal,
            parse_constant=_no_constant,
        )
        # Escapes may name halves of characters, which neither the ledger nor a log can hold.
        json.dumps(document, ensure_ascii=False, default=str).encode()
    except RecursionError:
        raise _bad("it is nested too deeply") from None
    except (ValueError, ArithmeticError) as error:
        raise _bad(f"it cannot be read as JSON ({error})") from None
    if not isinstance(document, dict):
        raise _bad("it is no JSON object")
    ready = document.get("data_files_ready", True)
    if not isinstance(ready, bool):
        raise _bad("data_files_ready must be true or false")
    entries = document.get("expected_files")
    if not isinstance(entries, list) or not entries:
        raise _bad("expected_files must be a list that names at least one file")
    trigger_id = document.get("trigger_id")
    assert name.batch_id is not None and name.batch_date is not None
    return Trigger(
        batch_id=name.batch_id,
        file_name=name.name,
        batch_date=_date(document.get("batch_date")) or name.batch_date,
        trigger_id=None if trigger_id is None else str(trigger_id),
        ready=ready,
        expected=tuple(_expected(entry) for entry in entries),
        text=text,
        sha256=sha256,
    )


def archive_tag(sha256: str) -> str:
    """What follows the name of an archived trigger whose name was taken."""
    return sha256[:12]


def name_problem(name: str, feeds: Mapping[str, Contract], today: date) -> Hold | None:
    """Why a file of this name can never arrive; None when it can."""
    is_plain = 0 < len(name.encode()) <= 255 and not set(name) & set("/\\\0")
    if not is_plain or is_unfinished(name):
        return Hold("bad_file_name", f"{_quoted(name)} is no plain name of a finished file.")
    read = read_name(name, feeds, today)
    if read.feed is None or read.is_trigger:
        return Hold("unknown_feed", f"{_quoted(name)} belongs to no feed known here.")
    return None


def sha256_difference(expected: Expected, sha256: str) -> Hold | None:
    """The difference between the announced and the actual hash of a file; None when equal."""
    if expected.sha256 is None or expected.sha256 == sha256:
        return None
    return Hold(
        "sha256_mismatch",
        f"{shown(expected.name)} has sha256 {sha256}, the trigger says {_quoted(expected.sha256)}.",
    )


def figure_differences(
    expected: Expected, rows: int, total: Callable[[str], Decimal | None]
) -> list[Hold]:
    """The differences between the announced figures and those of the file as read.

    `rows` counts records, rejected ones included. `total` gives the sum of a column as the trigger
    names it, None when the feed has no such column. Values are compared, not spellings:
    125.0 equals 125.00.
    """
    name = shown(expected.name)
    differences = []
    if expected.rows is not None and expected.rows != rows:
        differences.append(
            Hold(
                "rows_mismatch",
                f"{name} has {rows} rows, the trigger says {expected.rows}"
                f" ({rows - expected.rows:+d}).",
            )
        )
    for column, announced in expected.totals.items():
        actual = total(column)
        if actual is None:
            sentence = f"{name}: the trigger gives a total of {_quoted(column)}, which is no column"
            differences.append(Hold("totals_mismatch", f"{sentence} of its feed."))
        elif actual != announced:
            with localcontext(prec=4 * _MAX_DIGITS):
                difference = actual - announced
            differences.append(
                Hold(
                    "totals_mismatch",
                    f"{name}: {shown(column)} adds up to {actual:f}, the trigger says"
                    f" {announced:f} ({difference:+f}).",
                )
            )
    return differences


def _expected(entry: Any) -> Expected:
    if isinstance(entry, str):
        return Expected(entry)
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise _bad("every entry of expected_files must be a name or an object with a name")
    name = entry["name"]
    sha256 = entry.get("sha256")
    if sha256 is not None and not isinstance(sha256, str):
        raise _bad(f"sha256 of {_quoted(name)} must be text")
    totals = entry.get("totals")
    if totals is not None and not isinstance(totals, dict):
        raise _bad(f"totals of {_quoted(name)} must be an object of column and sum")
    rows = entry.get("rows")
    if rows is not None:
        rows = _number(rows, f"rows of {_quoted(name)}")
        if rows < 0 or rows != rows.to_integral_value():
            raise _bad(f"rows of {_quoted(name)} must be a whole number of at least 0")
        rows = int(rows)
    return Expected(
        name,
        rows,
        None if sha256 is None else sha256.strip().lower(),
        {
            column: _number(value, f"the total of {_quoted(column)} of {_quoted(name)}")
            for column, value in (totals or {}).items()
        },
    )


def _number(value: Any, what: str) -> Decimal:
    """Exact, and short enough that comparing and subtracting it costs nothing."""
    try:
        if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
            raise InvalidOperation
        number = Decimal(value)
        if not number.is_finite() or abs(number.adjusted()) > _MAX_DIGITS:
            raise InvalidOperation
        if len(number.as_tuple().digits) > _MAX_DIGITS:
            raise InvalidOperation
    except (InvalidOperation, ValueError):
        raise _bad(f"{what} must be a number of at most {_MAX_DIGITS} digits") from None
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"the key {_quoted(twice)} stands twice in one object")
    return document


def _no_constant(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _date(value: Any) -> date | None:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def _quoted(text: str) -> str:
    """Text of the provider inside a sentence: escaped, and short."""
    quoted = json.dumps(text)
    return quoted if len(quoted) <= 120 else quoted[:117] + '…"'


def _bad(problem: str) -> Refused:
    return Refused("bad_trigger", f"The trigger is of no use: {problem}.")
