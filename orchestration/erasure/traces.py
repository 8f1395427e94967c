"""What would give a person away, and where it stands.

Belongs here: the values to look for, in texts and in the bytes of files. Does not: taking them out
(`delivered.py`, `tables.py`, `files.py`).

Two kinds of values, because names are common. A *telling* one has a digit or an @ and stands in no
other person's records: an e-mail address, a phone number, a street with its number. It may stand
nowhere. A *word* is a name that no other person has: it may also be a town, a brand, a product, so
that it counts only beside another, and its hits elsewhere are counted, not judged. Values that
others have too are nobody's: only the person's own records are cleared of them.
"""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from unicodedata import normalize
from urllib.parse import quote, unquote_to_bytes

from orchestration.erasure.delivered import encoding_of
from orchestration.erasure.packing import contents, is_packed
from orchestration.people import ERASED

# Larger ones cost the system new pages for every piece.
_CHUNK = 1 << 20
_OVERLAP = 4096
# Behind an escape of JSON a value begins, although the escape ends in a letter.
_BEHIND_ESCAPE = r"(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4})"
_SHORTEST_TELLING, _SHORTEST_WORD, _SHORTEST_PHONE, _SHORTEST_CORE = 6, 4, 7, 3
# What stands between the groups of a phone number; `\xc2\xa0` is a no-break space.
_BETWEEN_DIGITS = b" ()/.+-\\\xc2\xa0"
# How JSON writes a character that it need not.
_ESCAPED = re.compile(rb"\\u00([2-7][0-9a-f])|\\(/)")


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
        lowered = normalize("NFC", text.lower())
        # Searching for a plain text is many times faster than a pattern, and most texts hold none.
        if self.customer_id in text and self._id.search(text):
            return True
        may_tell = any(map(lowered.__contains__, self._cores)) or self._may_call(
            text.encode(errors="replace")
        )
        if may_tell and self._telling.search(text):
            return True
        if "\\u" in lowered:
            lowered = normalize("NFC", _plain(lowered).lower())
        return sum(map(lowered.__contains__, self._lowered_words)) > 1

    def edit(self, text: str) -> str:
        """The text without telling values."""
        lowered = text.lower()
        may_call = self._may_call(text.encode(errors="replace"))
        if not may_call and not any(core in lowered for core in self._cores):
            return text
        # Over all of a text a pattern costs a hundred times as much as finding where it may match.
        places = sorted(place for core in self._cores for place in _places(core, lowered))
        if may_call or len(lowered) != len(text) or len(places) * self._longest > len(text):
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
        return self._may_tell(data, data.lower()) and any(
            self._telling.search(data.decode(encoding, "replace"))
            for encoding in ("utf-8", "latin-1")
        )

    def words_in_bytes(self, data: bytes) -> bool:
        return any(word in data for word in self._word_bytes)

    def mentions(self, data: bytes) -> bool:
        """Whether the key, a telling value or a name may stand in bytes: quick, too often so."""
        lowered = data.lower()
        return (
            self.customer_id.encode() in data
            or any(part in lowered for part in self._word_parts)
            or self._may_tell(data, lowered)
        )

    def _may_tell(self, data: bytes, lowered: bytes) -> bool:
        # Most bytes do not hold all runs of characters that are in every spelling of a value.
        if any(all(run in lowered for run in runs) for runs in self._runs):
            if self._stands_in(lowered):
                return True
            # What else than special characters is encoded for a URL is left to the writer.
            if b"%" in lowered and self._stands_in(unquote_to_bytes(lowered)):
                return True
            if b"\\" in lowered and self._stands_in(_unescaped(lowered)):
                return True
        return self._may_call(data)

    def _stands_in(self, lowered: bytes) -> bool:
        if any(one in lowered for one in self._telling_bytes):
            return True
        # bytes.lower() knows ASCII alone.
        return not lowered.isascii() and any(
            one in text.lower()
            for text in (lowered.decode("utf-8", "replace"), lowered.decode("latin-1"))
            for one in self._beyond_ascii
        )

    def _may_call(self, data: bytes) -> bool:
        """Whether the digits of a phone number stand in bytes, grouped in any way."""
        if not self._phones:
            return False
        # To find three characters costs more than all else, and most bytes do not have the first.
        if b"%" in data:
            data = data.replace(b"%20", b" ")
        digits = data.translate(None, _BETWEEN_DIGITS)
        return any(phone in digits for phone in self._phones)

    @cached_property
    def _id(self) -> re.Pattern[str]:
        return re.compile(rf"(?<![\w-]){re.escape(self.customer_id)}(?![\w-])")

    @cached_property
    def _cores(self) -> list[str]:
        return [core_of(value) for value in self.telling]

    @cached_property
    def _phones(self) -> list[bytes]:
        return [digits.encode() for value in self.telling if (digits := phone_digits(value))]

    @cached_property
    def _lowered_words(self) -> list[str]:
        return [normalize("NFC", word.lower()) for word in self.words]

    @cached_property
    def _word_parts(self) -> list[bytes]:
        """What bytes with a name have, ASCII in lower case: its core, where that says something."""
        parts = set()
        for word in self.words:
            if len(core := core_of(word)) >= _SHORTEST_CORE:
                parts.add(core.encode())
                continue
            parts |= {
                case(form).encode(encoding, "replace").lower()
                for form in _compositions(word)
                for case in (str, str.lower, str.upper)
                for encoding in ("utf-8", "latin-1")
            }
        return sorted(parts)

    @cached_property
    def _word_bytes(self) -> list[bytes]:
        return sorted({form.encode() for word in self.words for form in _compositions(word)})

    @cached_property
    def _longest(self) -> int:
        """How many characters a value has in its longest spelling."""
        return max(
            sum(max(map(len, _spellings_of_one(one))) for one in form)
            for value in self.telling
            for form in _compositions(value)
        )

    @cached_property
    def _telling(self) -> re.Pattern[str]:
        forms = {form for value in self.telling for form in _compositions(value)}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        phones = [_phone_pattern(value) for value in self.telling if phone_digits(value)]
        # Nobody's mary-ann@example.com is ann@example.com, no 112 Elm St is 12 Elm St.
        begins = rf"(?:(?<![\w.+-])|(?<=%[0-9A-Fa-f]{{2}})|{_BEHIND_ESCAPE})"
        found = f"{begins}(?:{'|'.join(map(_value_pattern, longest_first))})"
        # A plus before a number is a space of a URL.
        found += "".join(rf"|(?:(?<![\w.-])|{_BEHIND_ESCAPE}){phone}" for phone in phones)
        return re.compile(rf"(?:{found})(?!\w)", re.IGNORECASE)

    @cached_property
    def _runs(self) -> list[list[bytes]]:
        """The runs of each telling value that every spelling leaves as they are, longest first."""
        runs = [
            re.findall(rb"[\w.~-]+", normalize("NFC", value).encode()) for value in self.telling
        ]
        return [sorted((run.lower() for run in one), key=len, reverse=True) for one in runs]

    @cached_property
    def _beyond_ascii(self) -> list[str]:
        return sorted(
            {
                form.lower()
                for value in self.telling
                if not value.isascii()
                for composed in _compositions(value)
                for form in _spellings(composed)
            }
        )

    @cached_property
    def _telling_bytes(self) -> list[bytes]:
        return sorted(
            {
                form.encode(encoding, "replace").lower()
                for value in self.telling
                for composed in _compositions(value)
                for spelling in _spellings(composed)
                for form in (spelling, spelling.lower())
                for encoding in ("utf-8", "latin-1")
            }
        )


def _unescaped(lowered: bytes) -> bytes:
    """JSON without escapes that it does not need."""
    return _ESCAPED.sub(lambda match: match[2] or bytes([int(match[1], 16)]), lowered).lower()


def _plain(lowered: str) -> str:
    """JSON with its escaped characters as they are."""
    return re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), lowered)


def tells(value: str) -> bool:
    """Whether a value gives somebody away without another beside it."""
    return any(character.isdigit() or character == "@" for character in value)


def core_of(value: str) -> str:
    """The longest run of ASCII letters and digits of a value, lower case: in all its spellings."""
    runs = re.findall("[a-z0-9]+", normalize("NFC", value.lower()))
    return max(runs, key=len, default="")


def phone_digits(value: str) -> str:
    """The digits of a phone number that all its spellings have; "" when it is none.

    Not among them are the prefix of Germany and the one of a long distance.
    """
    if not re.fullmatch(r"\+?[\d\s()/.-]+", value, re.ASCII):
        return ""
    digits = re.sub(r"\D", "", value)
    is_international = value.startswith("+") or digits.startswith("00")
    digits = digits.lstrip("0")
    if is_international:
        digits = digits.removeprefix("49").lstrip("0")
    # Somebody has to give a number, and types 0000 0001.
    return digits if len(digits) >= _SHORTEST_PHONE else ""


def _phone_pattern(value: str) -> str:
    """A phone number in any grouping, with any prefix that it may have."""
    between = r"(?:[ \xa0()/.+-]|%20|\\/){0,3}"
    digits = re.sub(r"\D", "", value)
    is_international = value.startswith("+") or digits.startswith("00")
    if is_international and not digits.lstrip("0").startswith("49"):
        prefix = r"(?:\+|%2B|\\u002B|00)"
    elif is_international or digits.startswith("0"):
        prefix = rf"(?:(?:\+|%2B|\\u002B|00)4{between}9{between}0?|0)"
    else:
        prefix = ""
    return rf"\(?{prefix}{between}{between.join(phone_digits(value))}"


def sql_of_digits(text: str) -> str:
    """SQL of DuckDB and PostgreSQL: a text without what stands between the digits of a phone."""
    return f"translate(replace({text}, '%20', ''), ' ()/.+-\xa0\\', '')"


def _places(core: str, text: str) -> Iterator[int]:
    """Where a text holds another."""
    place = text.find(core)
    while place >= 0:
        yield place
        place = text.find(core, place + 1)


def _compositions(value: str) -> set[str]:
    """A value with its accents as parts of letters, and as characters of their own."""
    return {value, normalize("NFC", value), normalize("NFD", value)}


def _spellings(value: str) -> set[str]:
    """A value as CSV, JSON and forms of the web may write it."""
    in_json = (json.dumps(value, ensure_ascii=ascii)[1:-1] for ascii in (True, False))
    return {value, *in_json, value.replace('"', '""'), value.replace(" ", "+")}


def _spellings_of_one(character: str) -> set[str]:
    """A character as CSV, JSON and URLs may write it."""
    in_latin = quote(character.encode("latin-1", "ignore"), safe="") or character
    in_json = set() if character.isalnum() else {rf"\u{ord(character):04x}", f"\\{character}"}
    return {*_spellings(character), quote(character, safe=""), in_latin, *in_json}


def _value_pattern(value: str) -> str:
    """A value of which each character may be spelled in its own way."""
    return "".join(
        f"(?:{'|'.join(map(re.escape, sorted(_spellings_of_one(one))))})" for one in value
    )


def chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a file, unpacked and UTF-16 as UTF-8, in pieces that overlap.

    Raises CannotUnpack.
    """
    with path.open("rb") as file:
        head = file.read(16)
        file.seek(0)
        if is_packed(head):
            found = contents(file.read())
        else:
            found = iter([iter(lambda: file.read(_CHUNK), b"")])
        for pieces in found:
            tail = b""
            for piece in _in_utf8(pieces):
                yield tail + piece
                tail = piece[-_OVERLAP:]


def _in_utf8(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of a text of UTF-16 as UTF-8; others as they are."""
    decoder = None
    for number, piece in enumerate(pieces):
        encoding = encoding_of(piece)[1] if number == 0 else None
        if encoding in ("utf-16-le", "utf-16-be"):
            decoder = codecs.getincrementaldecoder(encoding)("replace")
        yield decoder.decode(piece).encode(errors="replace") if decoder else piece
