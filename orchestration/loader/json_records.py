"""JSON text (an array, NDJSON, or one object) to rows and rejected lines.

Belongs here: the contract's rules for JSON. DuckDB finds the records at once where every one of
them is an object; else Python judges line by line or element by element. Either way one table
of raw objects comes out, and the same SQL takes the columns from it.
Does not: encodings (`spool.py`), limits and policies of a whole file (`reading.py`).
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TextIO

from duckdb import ConversionException, DuckDBPyConnection, InvalidInputException

from orchestration.contracts import Contract
from orchestration.loader.json_columns import NUMBERS_WRITTEN_OTHERWISE, extract_columns
from orchestration.loader.refusal import Refused
from orchestration.loader.spool import Spooled
from orchestration.loader.staged import (
    MAX_RECORD,
    ScratchRecords,
    create_rejected,
    identifier,
    literal,
)

_BLANK = " \t\r\n"
_CHUNK = 1 << 20

_KINDS = {"[": "an array", '"': "a text"}

# What DuckDB accepts and JSON does not: a comma before a closing bracket, NaN, Infinity. May also
# hit inside a text; Python then decides.
_LAX = r",\s*[}\]]|[:\[,]\s*-?(?:[nN][aA]|[iI][nN])"
_CUT_TOKEN = re.compile(
    r"\s*(-|\.|[eE][+-]?|t(r(u)?)?|f(a(l(s)?)?)?|n(u(l)?)?|\\?u?[0-9a-fA-F]{0,4})"
)


@dataclass(frozen=True)
class Element:
    """One line or array element: the raw text, and why it is no record, if so.

    `is_json`: valid, though it may be no object; `may_be_cut`: right up to its end; `is_ended`: by
    a newline.
    """

    line_number: int
    raw: str
    error: str | None = None
    may_be_cut: bool = False
    is_json: bool = True
    is_ended: bool = True


def stage_json(
    connection: DuckDBPyConnection,
    contract: Contract,
    spooled: Spooled,
    table: str,
    rejected_table: str,
) -> dict[str, list[str]] | None:
    """Read `spooled` into the tables `table` and `rejected_table`; return the drift.

    Raises Refused (`bad_json`, `duplicate_columns`, `missing_columns`, `truncated`, `unreadable`).
    """
    raw_table = f"{table}_raw"
    try:
        if find_at_once(connection, spooled, raw_table):
            create_rejected(connection, rejected_table)
        else:
            find_one_by_one(connection, spooled, raw_table, rejected_table)
        return extract_columns(connection, contract, raw_table, table)
    finally:
        connection.execute(f"drop table if exists {identifier(raw_table)}")


def find_at_once(connection: DuckDBPyConnection, spooled: Spooled, raw_table: str) -> bool:
    """Let DuckDB find the objects; False when not all are objects by the letter of JSON."""
    if spooled.path.stat().st_size == 1:  # of which DuckDB reads nothing
        return False
    is_array = _first_character(spooled.path) == "["
    # DuckDB does not miss the end of an array that stops behind a comma.
    if is_array and not _ends_with(spooled.path, "]"):
        return False
    layout = "array" if is_array else "newline_delimited"
    try:
        connection.execute(
            f"create or replace table {identifier(raw_table)} as"
            " select json::varchar as raw, row_number() over () as n,"
            # One search for both kinds, as most objects hold neither.
            f" regexp_matches(json, {literal(f'{_LAX}|{NUMBERS_WRITTEN_OTHERWISE}')}) as is_suspect"
            f" from read_json_objects({literal(spooled.path)}, format = '{layout}')"
        )
    except (InvalidInputException, ConversionException):
        return False
    (strict,) = connection.execute(
        "select coalesce(bool_and(starts_with(raw, '{') and"
        " case when is_suspect then not regexp_matches(raw, ?) else true end), true)"
        f" from {identifier(raw_table)}",
        [_LAX],
    ).fetchone()
    return strict


def find_one_by_one(
    connection: DuckDBPyConnection, spooled: Spooled, raw_table: str, rejected_table: str
) -> None:
    """Judge line by line or element by element, then load the good ones in bulk.

    Raises Refused (`bad_json`, `truncated`, `unreadable`).
    """
    with spooled.path.open(encoding="utf-8", newline="\n") as file:
        is_array = is_one_array(iter(lambda: file.readline(MAX_RECORD), ""))
    whole = None if is_array else _single_object(spooled.path)
    first_bad: Element | None = None
    with (
        ScratchRecords(spooled.path.with_suffix(".rows")) as rows,
        ScratchRecords(spooled.path.with_suffix(".rejected")) as rejected,
        spooled.path.open(encoding="utf-8", newline="\n") as file,
    ):
        if whole is not None and whole.error is None:
            found = iter([whole])
        elif is_array:
            found = elements(file, spooled.ends_with_newline)
        else:
            found = lines(file)
        element = None
        for number, element in enumerate(found, start=1):
            if element.error is None:
                rows.add(number, element.raw.strip(_BLANK))
            else:
                first_bad = first_bad or element
                rejected.add(element.line_number, element.raw, element.error)
        if first_bad and not is_array:
            is_half = element.may_be_cut or (rows.count and not element.is_json)
            is_cut = is_half and not element.is_ended
            if whole is not None:
                is_cut = not spooled.ends_with_newline
            if is_cut and element.error is not None:
                raise Refused(
                    "truncated",
                    "the file ends without a newline, and its last line "
                    f"({element.line_number}) is not whole: {element.error}; "
                    "deliver the whole file.",
                )
        if first_bad and not rows.count:
            raise Refused(
                "bad_json",
                f"no record is a JSON object; line {first_bad.line_number}: {first_bad.error}.",
            )
        connection.execute(
            f"create or replace table {identifier(raw_table)} as"
            " select raw, n, true as is_suspect"
            f" from {rows.source({'n': 'bigint', 'raw': 'varchar'})}"
        )
        create_rejected(connection, rejected_table, rejected)


def lines(file: TextIO) -> Iterator[Element]:
    """Every line of NDJSON that is not blank.

    Raises Refused `unreadable` when a line is longer than MAX_RECORD.
    """
    number = 0
    while line := file.readline(MAX_RECORD):
        number += 1
        if len(line) == MAX_RECORD and not line.endswith("\n"):
            raise _too_long(number)
        if not line.strip(_BLANK):
            continue
        raw = line.removesuffix("\n").removesuffix("\r")
        try:
            error = _object_error(_decoder().decode(raw), raw)
            cut, is_json = False, True
        except json.JSONDecodeError as problem:
            error = f"no valid JSON at column {problem.pos + 1}: {problem.msg}"
            cut, is_json = _is_cut(problem, raw), False
        except (ValueError, RecursionError) as problem:
            error, cut, is_json = _unusual(problem), False, False
        yield Element(number, raw, error, cut, is_json, line.endswith("\n"))


def elements(file: TextIO, ends_with_newline: bool) -> Iterator[Element]:
    """Every element of one array, holding no more of the file than the longest needs.

    Raises Refused when the array is broken: `truncated` where it just stops and the file ends
    without a newline, else `bad_json`; `unreadable` when an element is longer than MAX_RECORD.
    """
    decoder = _decoder()
    text, position, at_end = "", 0, False
    line, column = 1, 1

    def more() -> bool:
        nonlocal text, position, at_end
        # Twice as much each time: an element of any length is decoded few times over.
        chunk = file.read(max(_CHUNK, len(text) - position))
        at_end = not chunk
        text, position = text[position:] + chunk, 0
        return not at_end

    def pass_over(end: int) -> None:
        nonlocal position, line, column
        if breaks := text.count("\n", position, end):
            line += breaks
            column = end - text.rindex("\n", position, end)
        else:
            column += end - position
        position = end

    def next_character() -> str:
        while True:
            end = position
            while text[end : end + 1] and text[end] in _BLANK:
                end += 1
            pass_over(end)
            if position < len(text) or not more():
                return text[position : position + 1]

    def broken(problem: str, at: int, cut: bool) -> Refused:
        pass_over(min(at, len(text)))
        where = f"line {line}, column {column}"
        if cut and not ends_with_newline:
            return Refused("truncated", f"the array stops at {where}; deliver the whole file.")
        return Refused("bad_json", f"the array is broken at {where}: {problem}.")

    def element() -> Element:
        while True:
            try:
                value, end = decoder.raw_decode(text, position)
            except json.JSONDecodeError as problem:
                if not at_end and len(text) - position < MAX_RECORD:
                    more()
                    continue
                if not at_end:
                    raise _too_long(line) from None
                raise broken(problem.msg, problem.pos, _is_cut(problem, text)) from None
            except (ValueError, RecursionError) as problem:
                if isinstance(problem, ValueError):
                    raise broken(_unusual(problem), position, False) from None
                raise Refused(
                    "unreadable", f"the element at line {line} is {_unusual(problem)}; flatten it."
                ) from None
            # A number that touches the end of what was read may go on.
            if end < len(text) or not more():
                break
        raw = text[position:end]
        found = Element(line, raw, _object_error(value, raw))
        pass_over(end)
        return found

    next_character()
    pass_over(position + 1)
    if next_character() != "]":
        while True:
            next_character()
            yield element()
            separator = next_character()
            if separator == "]":
                break
            if separator != ",":
                raise broken("a comma or ] is missing", position, cut=not separator)
            pass_over(position + 1)
    pass_over(position + 1)
    if next_character():
        raise broken("text after the end of the array", position, cut=False)


def is_one_array(lines: Iterable[str]) -> bool:
    """Whether a text, of which `lines` are the lines, is to be one array.

    It begins like one also where records stand line by line, and the first is refused: an array.
    """
    filled = (line.strip(_BLANK) for line in lines if line.strip(_BLANK))
    first, second = next(filled, ""), next(filled, "")
    if not first.startswith("[") or not second.startswith("{"):
        return first.startswith("[")
    try:
        _decoder().decode(first)
    except (ValueError, RecursionError):
        return True
    return False


def _first_character(path: Path) -> str:
    with path.open(encoding="utf-8", newline="\n") as file:
        while chunk := file.read(_CHUNK):
            if text := chunk.lstrip(_BLANK):
                return text[0]
    return ""


def _ends_with(path: Path, character: str) -> bool:
    """Whether the last character that is not blank is `character` (ASCII)."""
    with path.open("rb") as file:
        end = file.seek(0, 2)
        while end:
            begin = max(0, end - _CHUNK)
            file.seek(begin)
            if tail := file.read(end - begin).rstrip(_BLANK.encode()):
                return tail.endswith(character.encode())
            end = begin
    return False


def _single_object(path: Path) -> Element | None:
    """The one object that the whole file is, or would be were it not cut off (then an error).

    None when the file is neither.
    """
    if path.stat().st_size > MAX_RECORD:
        return None
    text = path.read_text(encoding="utf-8")
    raw = text.strip(_BLANK)
    first_line = 1 + text.count("\n", 0, text.index(raw[:1]))
    try:
        value = _decoder().decode(raw)
    except json.JSONDecodeError as problem:
        return Element(first_line, raw, problem.msg, True) if _is_cut(problem, raw) else None
    except (ValueError, RecursionError):
        return None
    return Element(first_line, raw) if _object_error(value, raw) is None else None


def _decoder() -> json.JSONDecoder:
    """JSON by the letter. Numbers are only looked at, so they may be of any length."""
    return json.JSONDecoder(parse_constant=_no_constant, parse_int=str, parse_float=str)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _object_error(value: object, raw: str) -> str | None:
    if not isinstance(value, dict):
        return f"no JSON object but {_KINDS.get(raw.lstrip(_BLANK)[0], 'a number or a word')}"
    if "\\u" in raw:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return "a \\u escape is half of a pair"
    return None


def _unusual(problem: ValueError | RecursionError) -> str:
    return "nested too deeply" if isinstance(problem, RecursionError) else str(problem)


def _is_cut(problem: json.JSONDecodeError, text: str) -> bool:
    """Whether the text is right up to its end, so that it may have been cut off there."""
    if problem.msg.startswith("Unterminated string"):
        return True
    if problem.msg == "Extra data":
        return False
    return _CUT_TOKEN.fullmatch(text[problem.pos :].rstrip(_BLANK)) is not None


def _too_long(line: int) -> Refused:
    return Refused(
        "unreadable", f"the record at line {line} has more than {MAX_RECORD:,} characters."
    )
