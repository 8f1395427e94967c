"""JSON text (an array, NDJSON, or one object) to rows and rejected lines.

Belongs here: the contract's rules for JSON. DuckDB finds the records at once where every one of
them is an object; else Python judges line by line or element by element. Either way one temp table
of raw objects comes out, and the same SQL takes the columns from it.
Does not: encodings (`spool.py`), limits and policies of a whole file (`reading.py`).
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TextIO

from duckdb import ConversionException, DuckDBPyConnection, InvalidInputException

from orchestration.contracts import Contract
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
    shortened,
)

_BLANK = " \t\r\n"
_CHUNK = 1 << 20

# What DuckDB accepts and JSON does not: a comma before a closing bracket, NaN, Infinity. May also
# hit inside a text; Python then decides.
_LAX = r",\s*[}\]]|[:\[,]\s*-?(?:[nN][aA]|[iI][nN])"
# Numbers that DuckDB, reading them as doubles, would write otherwise than they were delivered.
_OTHERWISE = r"[:\[,]\s*-?(?:\d+\.\d+0\s*[,}\]]|0\.0000|[\d.]{16}|[\d.]+[eE]|0\s*[,}\]])"
# Marks a number that is carried through as text. From Unicode's private use area; an object that
# holds it goes without, and its numbers are exact to 15 digits.
_MARK = "\ue000"
_NUMBER_BEHIND_TEXTS = r'((?:"(?:[^"\\]|\\.)*"|[^"0-9-])*)(-?[0-9][0-9.eE+-]*)'
_CUT_TOKEN = re.compile(
    r"\s*(-|\.|[eE][+-]?|t(r(u)?)?|f(a(l(s)?)?)?|n(u(l)?)?|\\?u?[0-9a-fA-F]{0,4})"
)


@dataclass(frozen=True)
class Element:
    """One line or array element: the raw text, and why it is no record, if so."""

    line_number: int
    raw: str
    error: str | None = None
    may_be_cut: bool = False


def stage_json(
    connection: DuckDBPyConnection,
    contract: Contract,
    spooled: Spooled,
    table: str,
    rejected_table: str,
) -> dict[str, list[str]] | None:
    """Read `spooled` into the temp tables `table` and `rejected_table`; return the drift.

    Raises Refused (`bad_json`, `duplicate_columns`, `missing_columns`, `truncated`, `unreadable`).
    """
    raw_table = f"{table}_raw"
    try:
        if find_at_once(connection, spooled, raw_table):
            create_rejected(connection, rejected_table)
        else:
            find_one_by_one(connection, spooled, raw_table, rejected_table)
        return _extract(connection, contract, raw_table, table)
    finally:
        connection.execute(f"drop table if exists {identifier(raw_table)}")


def find_at_once(connection: DuckDBPyConnection, spooled: Spooled, raw_table: str) -> bool:
    """Let DuckDB find the objects; False when not all are objects by the letter of JSON."""
    is_array = _first_character(spooled.path) == "["
    # DuckDB does not miss the end of an array that stops behind a comma.
    if is_array and not _ends_with(spooled.path, "]"):
        return False
    layout = "array" if is_array else "newline_delimited"
    try:
        connection.execute(
            f"create or replace temp table {identifier(raw_table)} as"
            " select json::varchar as raw, row_number() over () as n"
            f" from read_json_objects({literal(spooled.path)}, format = '{layout}')"
        )
    except (InvalidInputException, ConversionException):
        return False
    (strict,) = connection.execute(
        f"select coalesce(bool_and(json_type(raw) = 'OBJECT' and not regexp_matches(raw, ?)), true)"
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
    is_array = _first_character(spooled.path) == "["
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
                rows.add(number, element.raw)
            else:
                first_bad = first_bad or element
                rejected.add(element.line_number, element.raw, element.error)
        if first_bad and not is_array:
            cut = element.error is not None and not spooled.ends_with_newline
            if cut and (rows.count or element.may_be_cut or whole is not None):
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
            f"create or replace temp table {identifier(raw_table)} as"
            f" select raw, n from {rows.source({'n': 'bigint', 'raw': 'varchar'})}"
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
            cut = False
        except json.JSONDecodeError as problem:
            error = f"no valid JSON at column {problem.pos + 1}: {problem.msg}"
            cut = _is_cut(problem, raw)
        except (ValueError, RecursionError) as problem:
            error, cut = _unusual(problem), False
        yield Element(number, raw, error, cut)


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


def _extract(
    connection: DuckDBPyConnection, contract: Contract, raw_table: str, table: str
) -> dict[str, list[str]] | None:
    """Take the columns out of the raw objects; return the drift."""
    spellings: dict[str, None] = {}
    has_records = otherwise = False
    # Objects of one program share few lists of keys: checks of names cost next to nothing.
    key_lists = connection.execute(
        f"select json_keys(raw), min(n), bool_or(regexp_matches(raw, ?))"
        f" from {identifier(raw_table)} group by all order by min(n)",
        [_OTHERWISE],
    )
    while batch := key_lists.fetchmany(10_000):
        has_records = True
        for keys, number, unlike in batch:
            if twice := duplicate(contract, keys):
                raise Refused(
                    "duplicate_columns",
                    f"record {number} names one column twice: {twice[0]!r} and {twice[1]!r}.",
                )
            spellings.update(dict.fromkeys(keys))
            otherwise = otherwise or unlike
    delivered = delivered_names(contract, spellings)
    drift = delivered.drift(contract) if has_records else None

    known = [name for names in delivered.columns.values() for name in names]
    place = {name: index for index, name in enumerate(known, start=1)}
    paths = ", ".join(literal(_pointer(name)) for name in known)
    is_marked, raw, text = "false", "raw", str
    if otherwise:
        holds_mark = f"regexp_matches(raw, '{_MARK}|\\\\u[eE]000')"
        is_marked = f"regexp_matches(raw, '{_OTHERWISE}') and not {holds_mark}"
        raw = f"case when is_marked then {_numbers_marked('raw')} else raw end"
        text = _numbers_unmarked
    source = (
        f"(select *, json_extract_string(raw, [{paths}]::varchar[]) as found"
        f" from (select * replace ({raw} as raw)"
        f" from (select n, raw, {is_marked} as is_marked from {identifier(raw_table)})))"
    )
    expressions = {}
    for column, names in delivered.columns.items():
        value = ", ".join(f"found[{place[name]}]" for name in names)
        value = text(value if len(names) == 1 else f"coalesce({value})")
        expressions[column] = f"nullif({value}, '')"
    rescued = None
    if delivered.extra:
        without = literal(json.dumps(dict.fromkeys(known)))
        rest = f"json_merge_patch(raw, {without})::varchar"
        rescued = f"nullif({text(rest)}, '{{}}')"
    create_staged(connection, table, contract, expressions, rescued, "n", source)
    return drift


def _numbers_marked(raw: str) -> str:
    """Turn numbers into marked texts, where DuckDB would not keep how they are written.

    The pattern takes whole texts before each number, and the 0 put behind the last bracket gives
    it a number to end on: so it never begins to look for numbers inside a text.
    """
    marked = f"regexp_replace({raw} || '0', '{_NUMBER_BEHIND_TEXTS}', '\\1\"{_MARK}\\2\"', 'g')"
    return f"left({marked}, -4)"


def _numbers_unmarked(sql: str) -> str:
    """Undo it: a value was a number itself, or holds numbers as JSON."""
    in_json = f"regexp_replace({sql}, '\"{_MARK}([^\"]+)\"', '\\1', 'g')"
    return f"case when is_marked then ltrim({in_json}, '{_MARK}') else {sql} end"


def _pointer(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")


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
        return f"no JSON object but {shortened(raw.strip(_BLANK), 40)}"
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
    return _CUT_TOKEN.fullmatch(text[problem.pos :].rstrip(_BLANK)) is not None


def _too_long(line: int) -> Refused:
    return Refused(
        "unreadable", f"the record at line {line} has more than {MAX_RECORD:,} characters."
    )
