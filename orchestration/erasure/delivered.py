"""A delivered file, written again without what is personal in some of its records.

Belongs here: bytes in, bytes out, by the feed's contract. Every other record keeps its bytes, the
file its records in number and order, its encoding, its line ends and its packing. Does not: which
records (`people.py`), where copies of files are (`loader/erased.py`, `files.py`).
"""

import codecs
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

from orchestration.contracts import Contract
from orchestration.erasure.packing import repacked
from orchestration.loader.csv_records import records
from orchestration.loader.csv_traits import NULL_WORDS
from orchestration.loader.json_records import elements, is_one_array
from orchestration.loader.refusal import Refused
from orchestration.people import ERASED, placeholder

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEAD = 64
_BLANK = " \t\r\n"
_LINE = re.compile(r"[^\n]+")
_BRACKET_OR_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
# Numbers are only looked at, so they may be of any length.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)

# The text of a record → the same text, or another in its place.
Edit = Callable[[str], str]
# `_row_number` of a row to blank → its columns whose own values had it refused.
Rows = Mapping[int, frozenset[str]]


def rewrite(
    data: bytes,
    contract: Contract,
    file_format: str,
    rows: Rows,
    is_about: Callable[[str], bool],
    edit: Edit,
) -> bytes:
    """The file without the personal values of `rows`.

    `is_about` says of a rejected line whether it is the person's: it becomes another rejected line.
    `edit` goes over the text of the whole file at the end. `file_format` is `csv` or `json`. Raises
    ValueError when the file does not read as its contract says.
    """

    def edited(text: str) -> str:
        blank = _blank_csv if file_format == "csv" else _blank_json
        return edit(blank(text, contract, rows, is_about))

    return transform(data, contract.encoding, edited, edit)


def transform(
    data: bytes, encoding: str, edit: Edit, edit_name: Edit, *, is_broken: bool = False
) -> bytes:
    """The same file with another text; what its first bytes show decides over `encoding`.

    `edit_name` goes over the names that stand in packed files. Raises CannotUnpack, and ValueError
    where a text is not of that encoding. With `is_broken` UTF-8, UTF-16 and Latin-1 take any bytes:
    those that are no text stay as they are, but for half a character of UTF-16.
    """

    def edited(raw: bytes) -> bytes:
        mark, shown = encoding_of(raw)
        known = shown or encoding
        # UTF-16 has no way to hold half a character.
        lenient = "replace" if codecs.lookup(known).name.startswith("utf-16") else "surrogateescape"
        text = raw[len(mark) :].decode(known, lenient if is_broken else "strict")
        after = edit(text)
        if after == text:
            return raw
        return mark + after.encode(known, lenient if is_broken else "replace")

    return repacked(data, edited, edit_name)


def encoding_of(text: bytes) -> tuple[bytes, str | None]:
    """The byte-order mark of a text, and the encoding that its first bytes show, if they do."""
    for mark, encoding in _MARKS:
        if text.startswith(mark):
            return mark, encoding
    head = text[:_HEAD] if len(text) > _HEAD else text[: len(text) // 2 * 2]
    # Of a character of ASCII UTF-16 leaves one byte empty, and any text begins with some.
    for encoding, filled, empty in (
        ("utf-16-le", head[::2], head[1::2]),
        ("utf-16-be", head[1::2], head[::2]),
    ):
        if head and 0 not in filled and empty.count(0) * 4 > len(empty) * 3:
            return b"", encoding
    return b"", None


def _blank_csv(text: str, contract: Contract, rows: Rows, is_about: Callable[[str], bool]) -> str:
    delimiter, quote = contract.delimiter, contract.quote

    def read(text: str, width: int | None) -> Iterator:
        return records(io.StringIO(text, newline="\n"), delimiter, quote, width)

    header = next(read(text, None), None)
    if header is None or header.values is None:
        raise ValueError("the header cannot be read")
    names = [name or "" for name in header.values]
    if not any(map(contract.column_for, names)):
        raise ValueError(
            "no column of its header is in the contract; it has another delimiter, or they were"
            " renamed there without their old names as aliases"
        )
    lines = text.split("\n")
    found = read(text, len(names))
    next(found)
    pieces, done = [], 0
    for number, record in enumerate(found, start=1):
        if record.error is None and number in rows:
            values = next(read(_physical(lines, record.line_number, record.lines), None)).values
            assert values is not None
            line = delimiter.join(
                _field(_left(value, contract, name, rows[number]), delimiter, quote)
                for name, value in zip(names, values, strict=True)
            )
        elif record.error is not None and is_about(record.line):
            # One field too many: refused like the line before, and never taken for a file's cut.
            line = ERASED + delimiter * len(names)
        else:
            continue
        begin, end = record.line_number - 1, record.line_number - 1 + record.lines
        pieces += lines[done:begin]
        pieces.append(line + ("\r" if lines[end - 1].endswith("\r") else ""))
        done = end
    return "\n".join([*pieces, *lines[done:]])


def _physical(lines: list[str], number: int, count: int) -> str:
    return "\n".join(lines[number - 1 : number - 1 + count])


def _left(value: Any, contract: Contract, name: str, refused: frozenset[str]) -> Any:
    """What is left of a value that was delivered under a name."""
    if value is None or value == "" or (known := contract.column_for(name)) == "_op":
        return value
    column = next((column for column in contract.columns if column.name == known), None)
    if column is None:
        return None
    if not column.pii:
        return value
    return placeholder(column, had_row_refused=column.name in refused)


def _field(value: str | None, delimiter: str, quote: str) -> str:
    if value is None:
        return ""
    is_plain = not set(value) & {delimiter, quote, "\n", "\r"} and value == value.strip(" ")
    if is_plain and value not in NULL_WORDS:
        return value
    return quote + value.replace(quote, quote * 2) + quote


def _blank_json(text: str, contract: Contract, rows: Rows, is_about: Callable[[str], bool]) -> str:
    pieces, done = [], 0
    for number, (begin, end) in enumerate(_elements(text), start=1):
        raw = text[begin:end]
        if number in rows:
            after = _blank_members(raw, contract, rows[number])
        elif is_about(raw) and not is_record(raw):
            after = json.dumps(ERASED)
        else:
            continue
        pieces += [text[done:begin], after]
        done = end
    return "".join([*pieces, text[done:]])


def _elements(text: str) -> Iterator[tuple[int, int]]:
    """Where each record of an array, of NDJSON or of a single object begins and ends."""
    begin = _skip(text, 0)
    if is_one_array(line[0] for line in _LINE.finditer(text)):
        position = _skip(text, begin + 1)
        while text[position : position + 1] not in ("]", ""):
            end = _end_of_value(text, position)
            yield position, end
            position = _skip(text, end)
            if text[position : position + 1] == ",":
                position = _skip(text, position + 1)
        return
    if text[begin : begin + 1] == "{" and _is_one_record(text, begin):
        yield begin, len(text.rstrip(_BLANK))
        return
    for line in _LINE.finditer(text):
        if line[0].strip(_BLANK):
            yield line.start(), line.end() - line[0].endswith("\r")


def _is_one_record(text: str, begin: int) -> bool:
    """Whether a text from its first brace on is one object, however many lines it has."""
    with suppress(json.JSONDecodeError, RecursionError):
        # Most texts hold many objects, and are told from one by the first.
        end = _DECODER.raw_decode(text, begin)[1]
        if _skip(text, end) < len(text):
            return False
    return is_record(text)


def _blank_members(raw: str, contract: Contract, refused: frozenset[str]) -> str:
    """The object with null, or what is left of it, in the place of personal and unknown values."""
    pieces, done = [], 0
    position = _skip(raw, raw.index("{") + 1)
    while raw[position] != "}":
        name, position = _DECODER.raw_decode(raw, position)
        position = _skip(raw, raw.index(":", position) + 1)
        end = _end_of_value(raw, position)
        value = {"null": None, '""': ""}.get(raw[position:end], raw[position:end])
        left = _left(value, contract, name, refused)
        if left is not value:
            pieces += [raw[done:position], json.dumps(left)]
            done = end
        position = _skip(raw, end)
        if raw[position] == ",":
            position = _skip(raw, position + 1)
    return "".join([*pieces, raw[done:]])


def _end_of_value(text: str, position: int) -> int:
    """The end of a value of JSON that was read before, however deep and long it is."""
    with suppress(RecursionError):
        return _DECODER.raw_decode(text, position)[1]
    depth = 0
    for match in _BRACKET_OR_TEXT.finditer(text, position):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
        if not depth:
            return match.end()
    raise ValueError("a value of JSON has no end")


def _skip(text: str, position: int) -> int:
    while text[position : position + 1] and text[position] in _BLANK:
        position += 1
    return position


def is_record(text: str) -> bool:
    """Whether the loader takes a text for one record: an object by the letter of JSON."""
    if not text.lstrip(_BLANK).startswith("{"):
        return False
    try:
        found = list(islice(elements(io.StringIO(f"[{text}]"), ends_with_newline=True), 2))
    except Refused:
        return False
    return len(found) == 1 and found[0].error is None
