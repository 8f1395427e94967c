"""CSV text to rows and rejected lines.

Belongs here: the contract's rules for CSV, read twice over: by one DuckDB statement where it reads
the file exactly as the contract says, else record by record in Python, which then hands the good
records to DuckDB in bulk. Both give the same rows; a property test holds them together.
Does not: encodings (`spool.py`), limits and policies of a whole file (`reading.py`).
"""

import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from duckdb import ConversionException, DuckDBPyConnection, InvalidInputException

from orchestration.contracts import Contract
from orchestration.loader.csv_traits import NULL_WORDS, ends_in_null, traits_of
from orchestration.loader.refusal import Refused
from orchestration.loader.spool import Spooled
from orchestration.loader.staged import (
    MAX_RECORD,
    ScratchRecords,
    create_rejected,
    create_staged,
    delivered_names,
    duplicate,
    identifier,
    literal,
    read_csv,
)

# No bare field can hold it: the reader then finds no null, and SQL decides.
_NO_NULL_WORD = "\n"


@dataclass(frozen=True)
class Record:
    """What begins at one physical line: values, or why it is no record.

    `values` is None where there is an error, and of a line that DuckDB reads right as it stands.
    `may_be_cut`: too few fields and no newline, or an open quote, as at the end of a file that was
    cut off.
    """

    line_number: int
    line: str
    values: list[str | None] | None
    error: str | None = None
    may_be_cut: bool = False
    lines: int = 1


def stage_csv(
    connection: DuckDBPyConnection,
    contract: Contract,
    spooled: Spooled,
    table: str,
    rejected_table: str,
) -> dict[str, list[str]] | None:
    """Read `spooled` into the tables `table` and `rejected_table`; return the drift.

    Raises Refused (`duplicate_columns`, `missing_columns`, `truncated`, `unreadable`).
    """
    header = read_header(contract, spooled)
    names = header.values
    if twice := duplicate(contract, names):
        raise Refused(
            "duplicate_columns",
            f"the header names one column twice: {twice[0]!r} and {twice[1]!r}.",
        )
    delivered = delivered_names(contract, names)
    drift = delivered.drift(contract)
    if not stage_at_once(connection, contract, spooled, header, table):
        stage_by_record(connection, contract, spooled, header, table, rejected_table)
    else:
        create_rejected(connection, rejected_table)
    return drift


def read_header(contract: Contract, spooled: Spooled) -> Record:
    """The first record; a column without a name is called after its position.

    Raises Refused when it cannot be read.
    """
    with _text(spooled.path) as file:
        header = next(records(file, contract.delimiter, contract.quote, None))
    if header.values is None:
        cut = header.may_be_cut and not spooled.ends_with_newline
        raise Refused(
            "truncated" if cut else "unreadable",
            f"the header (line {header.line_number}) cannot be read: {header.error}.",
        )
    if "\r" in header.line.strip():  # else the whole file would pass for a header
        raise Refused(
            "unreadable",
            f"the header (line {header.line_number}) goes on behind a lone carriage return; "
            "end lines with a newline, or with carriage return and newline.",
        )
    names: list[str] = []
    for position, name in enumerate(header.values, start=1):
        name = (name or "").strip()
        if not name:
            name = f"column_{position}"
            while name in header.values:
                name += "_"
        names.append(name)
    return Record(header.line_number, header.line, names, lines=header.lines)


def stage_at_once(
    connection: DuckDBPyConnection,
    contract: Contract,
    spooled: Spooled,
    header: Record,
    table: str,
) -> bool:
    """Let DuckDB read the file; False when it would not read it as the contract says."""
    width = len(header.values)
    # DuckDB makes a row of a blank line where there is one column.
    if width == 1 or header.line_number != 1 or header.lines != 1:
        return False
    traits = traits_of(spooled.path, contract.delimiter, contract.quote)
    if traits.has_odd_bytes or (traits.has_quotes and traits.has_odd_spaces):
        return False
    if traits.has_quotes:
        # Only the reader can tell a bare null word from a quoted one.
        quote, null_words, value = contract.quote, NULL_WORDS, str
    else:
        quote, null_words = "", (_NO_NULL_WORD,)
        value = _null_if_trimmed if traits.has_odd_spaces else _null_if
    columns = {f"c{position}": "varchar" for position in range(width)}
    source = read_csv(
        spooled.path,
        contract.delimiter,
        quote,
        columns,
        null_words=null_words,
        # DuckDB 2.0 reads nothing when it is told that lines end with \r\n.
        line_end=None if traits.has_carriage_returns else r"\n",
    )
    try:
        _create(connection, contract, header, table, value, "row_number() over ()", source)
    except (InvalidInputException, ConversionException):
        return False
    if not traits.has_quotes:
        return True
    (rows,) = connection.execute(f"select count(*) from {identifier(table)}").fetchone()
    # DuckDB drops an open quote at the very end, when it opens the first field. Without quoted
    # line breaks every line is a row then, or something was dropped.
    if traits.lines != rows + 1 and traits.lines != rows + 1 + _line_breaks(connection, table):
        return False
    # It drops null words behind the last column, too. Were there any, then there are more
    # delimiters than the width allows; so there may be where quotes hold delimiters.
    return traits.delimiters == (width - 1) * (rows + 1) or not ends_in_null(
        spooled.path, contract.delimiter
    )


def stage_by_record(
    connection: DuckDBPyConnection,
    contract: Contract,
    spooled: Spooled,
    header: Record,
    table: str,
    rejected_table: str,
) -> None:
    """Judge record by record, then load the good ones in bulk.

    Raises Refused `truncated`.
    """
    width = len(header.values)
    delimiter, quote = contract.delimiter, contract.quote
    with (
        ScratchRecords(spooled.path.with_suffix(".rows"), delimiter, quote) as rows,
        ScratchRecords(spooled.path.with_suffix(".rejected")) as rejected,
        _text(spooled.path) as file,
    ):
        read = records(file, delimiter, quote, width)
        next(read)
        number = 0
        for number, record in enumerate(read, start=1):
            if record.error is not None:
                rejected.add(record.line_number, record.line, record.error)
            elif record.values is None:
                rows.add_line(f"{number}{delimiter}{record.line}")
            else:
                rows.add(number, *record.values)
        last = record if number else header
        if last.may_be_cut and not spooled.ends_with_newline:
            raise Refused(
                "truncated",
                f"the file ends without a newline, and its last line ({last.line_number}) is not "
                f"whole: {last.error}; deliver the whole file.",
            )
        columns = {"n": "bigint"} | {f"c{position}": "varchar" for position in range(width)}
        source = rows.source(columns, NULL_WORDS)
        _create(connection, contract, header, table, str, "n", source)
        create_rejected(connection, rejected_table, rejected)


def records(file: TextIO, delimiter: str, quote: str, width: int | None) -> Iterator[Record]:
    """Every record, and every line that is none, in order; blank lines are left out.

    With a width, a line that DuckDB reads right as it stands comes without values. A record of
    another `width` (None: any) or with a broken quote costs its first physical line only; reading
    goes on at the next. The cost is linear all the same: behind a quote that does not close,
    quotes come in pairs only, so no later line of that stretch opens another.

    Raises Refused `unreadable` when a line is longer than MAX_RECORD.
    """
    spaces = re.compile("" if delimiter == " " else " *")
    plain = _plain_line(delimiter, quote, width) if width else None
    blank = " \t\r\n".replace(delimiter, "")
    lines = _Lines(file)
    while line := lines.take():
        if not line.strip(blank):
            continue
        number = lines.number
        body = _without_end(line)
        if "\0" in line:
            yield Record(number, body, None, "a NUL byte, which no text holds")
            continue
        if plain and plain.fullmatch(body):
            yield Record(number, body, None)
            continue
        record = _record(lines, number, line, body, delimiter, quote, spaces, width)
        lines.drop(record.lines - 1)
        yield record


def _record(
    lines: "_Lines",
    number: int,
    line: str,
    body: str,
    delimiter: str,
    quote: str,
    spaces: re.Pattern[str],
    width: int | None,
) -> Record:
    values: list[str | None] = []
    text, position, used, size = line, 0, 1, len(line)
    while True:
        end = len(_without_end(text))
        at = spaces.match(text, position).end()
        if text[at : at + 1] == quote:
            parts: list[str] = []
            at += 1
            while True:
                close = text.find(quote, at)
                if close < 0:
                    parts.append(text[at:])
                    text, at = lines.ahead(used), 0
                    used, size = used + 1, size + len(text)
                    if not text or "\0" in text or size > MAX_RECORD:
                        return Record(number, body, None, "a quote opens that never closes", True)
                elif text[close + 1 : close + 2] == quote:
                    parts.append(text[at : close + 1])
                    at = close + 2
                else:
                    parts.append(text[at:close])
                    break
            values.append("".join(parts))
            end = len(_without_end(text))
            position = spaces.match(text, close + 1).end()
            if position < end and text[position] != delimiter:
                return Record(number, body, None, "text after a closing quote")
        else:
            stop = text.find(delimiter, position, end)
            stop = end if stop < 0 else stop
            values.append(_bare(text[position:stop]))
            position = stop
        if width is not None and len(values) > width:
            return Record(number, body, None, f"more than the {width} fields of the header")
        if position >= end:
            break
        position += 1
    if width is not None and len(values) != width:
        is_last = not text.endswith("\n")
        return Record(number, body, None, _wrong(len(values), width), is_last)
    return Record(number, body, values, lines=used)


class _Lines:
    """Physical lines, with their ends, and a look at those that follow."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._ahead: deque[str] = deque()
        self.number = 0

    def take(self) -> str:
        self.number += 1
        return self._ahead.popleft() if self._ahead else self._read(self.number)

    def ahead(self, count: int) -> str:
        """The `count`-th line after the one taken last; empty at the end."""
        while len(self._ahead) < count:
            if not (line := self._read(self.number + len(self._ahead) + 1)):
                return ""
            self._ahead.append(line)
        return self._ahead[count - 1]

    def drop(self, count: int) -> None:
        for _ in range(count):
            self.take()

    def _read(self, number: int) -> str:
        line = self._file.readline(MAX_RECORD)
        if len(line) == MAX_RECORD and not line.endswith("\n"):
            raise Refused(
                "unreadable", f"line {number} has more than {MAX_RECORD:,} characters; split it."
            )
        return line


def _create(
    connection: DuckDBPyConnection,
    contract: Contract,
    header: Record,
    table: str,
    value: Callable[[str], str],
    row_number: str,
    source: str,
) -> None:
    expressions: dict[str, str] = {}
    extra: dict[str, str] = {}
    for position, name in enumerate(header.values):
        column = contract.column_for(name)
        if column is None:
            extra[name] = f"c{position}"
        else:
            expressions[column] = value(f"c{position}")
    rescued = None
    if extra:
        # Lists, as DuckDB's planning time grows with the square of so many single expressions.
        names = f"[{', '.join(map(literal, extra))}]"
        values = f"list_transform([{', '.join(extra.values())}], lambda field: {value('field')})"
        rescued = (
            f"case when list_count({values}) > 0 then to_json(map({names}, {values}))::varchar end"
        )
    create_staged(connection, table, contract, expressions, rescued, row_number, source)


def _plain_line(delimiter: str, quote: str, width: int) -> re.Pattern[str]:
    """Lines of `width` fields, bare ones without outer spaces, quoted ones that close."""
    d, q = re.escape(delimiter), re.escape(quote)
    field = f"(?:[^ {d}{q}\r](?:[^{d}{q}\r]*[^ {d}{q}\r])?+|{q}(?:[^{q}]|{q}{q})*+{q}|)"
    return re.compile(f"(?:{field}{d}){{{width - 1}}}{field}")


def _line_breaks(connection: DuckDBPyConnection, table: str) -> int:
    """How many line breaks the values of a staged table hold."""
    (count,) = connection.execute(
        "select coalesce(sum(list_sum(list_transform([*columns(* exclude (_row_number))],"
        " lambda value: length(value) - length(replace(value, chr(10), ''))))), 0)"
        f" from {identifier(table)}"
    ).fetchone()
    return count


def _null_if(sql: str) -> str:
    return f"case when {sql} not in ({', '.join(map(literal, NULL_WORDS))}) then {sql} end"


def _null_if_trimmed(sql: str) -> str:
    words = ", ".join(map(literal, NULL_WORDS))
    return f"case when trim({sql}, ' ') not in ({words}) then {sql} end"


def _bare(value: str) -> str | None:
    return None if value.strip(" ") in NULL_WORDS else value


def _wrong(count: int, width: int) -> str:
    return f"{count} fields where the header has {width}"


def _without_end(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r")


def _text(path: Path) -> TextIO:
    # Only \n ends a physical line; \r\n and a lone \r come through as they are.
    return path.open(encoding="utf-8", newline="\n")
