"""What the bytes of a CSV file tell before it is read.

Belongs here: searches that cost little against reading, for what DuckDB reads otherwise than the
contract says. Does not: reading (`csv_records.py`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestration.loader.staged import MAX_RECORD

NULL_WORDS = ("", "NULL", "Null", "null")
_WORDS = "|".join(NULL_WORDS[1:]).encode()
_CHUNK = 4 << 20


@dataclass(frozen=True)
class Traits:
    """What must be known of a file before DuckDB may read it."""

    has_odd_bytes: bool
    has_carriage_returns: bool
    has_quotes: bool
    has_odd_spaces: bool
    delimiters: int
    lines: int


def traits_of(path: Path, delimiter: str, quote: str) -> Traits:
    """Look over the bytes, by searches that cost little against reading."""
    separator, quotes = delimiter.encode(), quote.encode()
    # A null word, or nothing, between spaces; spaces before a quote, which DuckDB takes for a text
    # when it does not close. Each pattern begins with a plain character: that makes it fast.
    stop = rb"[%b\r\n]" % re.escape(separator)
    spaced = rb"(?: +(?:(?:%b) *)?%b|(?:%b) +%b| +%b)"
    odd_spaces = [
        re.compile(re.escape(begin) + spaced % (_WORDS, stop, _WORDS, stop, re.escape(quotes)))
        for begin in (separator, b"\n")
    ]
    has_returns = has_quotes = has_odd_spaces = False
    delimiters = lines = 0
    for chunk in _whole_lines(path):
        returns = chunk.count(b"\r")
        if b"\0" in chunk or (returns and returns != chunk.count(b"\r\n")):
            return Traits(True, True, True, True, 0, 0)
        has_returns = has_returns or returns > 0
        has_quotes = has_quotes or quotes in chunk
        delimiters += chunk.count(separator)
        lines += chunk.count(b"\n") - 1
        has_odd_spaces = has_odd_spaces or any(pattern.search(chunk) for pattern in odd_spaces)
    return Traits(False, has_returns, has_quotes, has_odd_spaces, delimiters, lines)


def ends_in_null(path: Path, delimiter: str) -> bool:
    """Whether a line ends in a delimiter, or in one and a null word."""
    pattern = re.compile(rb"%b(?:%b)?\r?\n" % (re.escape(delimiter.encode()), _WORDS))
    return any(pattern.search(chunk) for chunk in _whole_lines(path))


def _whole_lines(path: Path) -> Iterator[bytes]:
    """Chunks that begin before and end after a line end, so that no search is cut.

    A longer line than MAX_RECORD is cut all the same: it is too long to be read at once.
    """
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            chunk = b"\n" + chunk + file.readline(MAX_RECORD)
            yield chunk if chunk.endswith(b"\n") else chunk + b"\n"
