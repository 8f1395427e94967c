"""What would give a person away, and where it stands.

Belongs here: the values to look for, in texts and in the bytes of files. Does not: taking them out
(`delivered.py`, `tables.py`, `files.py`).

Two kinds of values, because names are common. A *telling* one has a digit or an @ and stands in no
other person's records: an e-mail address, a phone number, a street with its number. It may stand
nowhere. A *word* is a name that no other person has: it may also be a town, a brand, a product, so
that it counts only beside another, and its hits elsewhere are counted, not judged. Values that
others have too are nobody's: only the person's own records are cleared of them.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote, quote_plus

from orchestration.erasure.delivered import is_packed, unpacked
from orchestration.people import ERASED

# Larger ones cost the system new pages for every piece.
_CHUNK = 1 << 20
_OVERLAP = 4096
_SHORTEST_TELLING, _SHORTEST_WORD = 6, 4


@dataclass(frozen=True)
class Traces:
    """Values that are one person's alone."""

    customer_id: str
    telling: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @classmethod
    def of(cls, customer_id: str, values: Iterable[str]) -> "Traces":
        """Sorts `values`, of which no other person has any."""
        telling, words = [], []
        for value in sorted({value.strip() for value in values}):
            if tells(value):
                if len(value) >= _SHORTEST_TELLING:
                    telling.append(value)
            elif len(value) >= _SHORTEST_WORD:
                words.append(value)
        return cls(customer_id.strip(), tuple(telling), tuple(words))

    def is_about(self, text: str) -> bool:
        """Whether a text names the person: their key, a telling value, or two of their names."""
        lowered = text.lower()
        # Searching for a plain text is many times faster than a pattern, and most texts hold none.
        if self.customer_id in text and self._id.search(text):
            return True
        if any(map(lowered.__contains__, self._cores)) and self._telling.search(text):
            return True
        return sum(map(lowered.__contains__, self._lowered_words)) > 1

    def edit(self, text: str) -> str:
        """The text without telling values."""
        lowered = text.lower()
        if not any(core in lowered for core in self._cores):
            return text
        # Over all of a text a pattern costs a hundred times as much as finding where it may match.
        places = sorted(place for core in self._cores for place in _places(core, lowered))
        if len(lowered) != len(text) or len(places) * self._longest > len(text):
            return self._telling.sub(ERASED, text)
        pieces, done = [], 0
        for place in places:
            begin, end = max(done, place - self._longest), place + self._longest + 1
            for match in self._telling.finditer(text, begin, end):
                if match.end() == end < len(text):
                    # It may go on, as another word; if not, its own place comes.
                    break
                pieces += [text[done : match.start()], ERASED]
                done = match.end()
        return "".join([*pieces, text[done:]])

    def in_bytes(self, data: bytes) -> bool:
        """Whether a telling value stands in bytes of UTF-8 or Latin-1."""
        return self._may_tell(data) and any(
            self._telling.search(data.decode(encoding, "replace"))
            for encoding in ("utf-8", "latin-1")
        )

    def words_in_bytes(self, data: bytes) -> bool:
        return any(word.encode() in data for word in self.words)

    def mentions(self, data: bytes) -> bool:
        """Whether the key, a telling value or a name may stand in bytes: quick, too often so."""
        return (
            self.customer_id.encode() in data or self.words_in_bytes(data) or self._may_tell(data)
        )

    def _may_tell(self, data: bytes) -> bool:
        # Few runs of characters are in all spellings of a value: most bytes are searched for less.
        return any(run in data for run in self._runs) and any(
            one in data for one in self._telling_bytes
        )

    @cached_property
    def _id(self) -> re.Pattern[str]:
        return re.compile(rf"(?<![\w-]){re.escape(self.customer_id)}(?![\w-])")

    @cached_property
    def _cores(self) -> list[str]:
        return [core_of(value) for value in self.telling]

    @cached_property
    def _lowered_words(self) -> list[str]:
        return [word.lower() for word in self.words]

    @cached_property
    def _longest(self) -> int:
        return max(len(form) for value in self.telling for form in _spellings(value))

    @cached_property
    def _telling(self) -> re.Pattern[str]:
        spelled = {form for value in self.telling for form in _spellings(value)}
        longest_first = sorted(spelled, key=lambda form: (-len(form), form))
        # Nobody's mary-ann@example.com is ann@example.com, no 112 Elm St is 12 Elm St.
        return re.compile(
            r"(?:(?<![\w.+-])|(?<=%[0-9A-Fa-f]{2}))(?:"
            + "|".join(map(re.escape, longest_first))
            + r")(?!\w)",
            re.IGNORECASE,
        )

    @cached_property
    def _runs(self) -> set[bytes]:
        """The longest run of each telling value that every spelling leaves as it is."""
        runs = [
            max(re.findall(r"[\w.~-]+", value, re.ASCII), key=len, default="")
            for value in self.telling
        ]
        return {form.encode() for run in runs for form in (run, run.lower())}

    @cached_property
    def _telling_bytes(self) -> list[bytes]:
        return sorted(
            {
                form.encode(encoding, "replace")
                for value in self.telling
                for spelling in _spellings(value)
                for form in (spelling, spelling.lower())
                for encoding in ("utf-8", "latin-1")
            }
        )


def tells(value: str) -> bool:
    """Whether a value gives somebody away without another beside it."""
    return any(character.isdigit() or character == "@" for character in value)


def core_of(value: str) -> str:
    """The longest run of ASCII letters and digits of a value, lower case: in all its spellings."""
    runs = re.findall("[a-z0-9]+", value.lower())
    return max(runs, key=len, default="")


def _places(core: str, text: str) -> Iterator[int]:
    """Where a text holds another."""
    place = text.find(core)
    while place >= 0:
        yield place
        place = text.find(core, place + 1)


def _spellings(value: str) -> set[str]:
    """A value as CSV, JSON and URLs may write it."""
    in_json = (json.dumps(value, ensure_ascii=ascii)[1:-1] for ascii in (True, False))
    return {value, *in_json, value.replace('"', '""'), quote(value, safe=""), quote_plus(value)}


def chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a file, unpacked and UTF-16 made UTF-8, in pieces that overlap."""
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        if is_packed(head):
            pieces: Iterable[bytes] = unpacked(file.read(), _CHUNK)
        elif head.startswith((b"\xff\xfe", b"\xfe\xff")):
            pieces = [file.read().decode("utf-16", "replace").encode()]
        else:
            pieces = iter(lambda: file.read(_CHUNK), b"")
        tail = b""
        for piece in pieces:
            if not tail and piece.startswith((b"\xff\xfe", b"\xfe\xff")):
                piece = piece.decode("utf-16", "replace").encode()
            yield tail + piece
            tail = piece[-_OVERLAP:]


def files_under(roots: Iterable[Path]) -> list[Path]:
    """Every regular file under `roots`, once."""
    return sorted(
        {
            path.resolve()
            for root in roots
            for path in root.rglob("*")
            if path.is_file() and not path.is_symlink()
        }
    )
