"""The bytes of a delivered file: hashed, unpacked, decoded.

Belongs here: everything between the file on disk and UTF-8 text without a byte-order mark.
Does not: what the text means (`csv_records.py`, `json_records.py`).
"""

import codecs
import errno
import hashlib
import os
import stat
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from orchestration.contracts import Contract
from orchestration.loader.refusal import Refused

_CHUNK = 1 << 20
_GZIP = 16 + zlib.MAX_WBITS
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class FileChanged(OSError):
    """The bytes are no longer those that were hashed: somebody still writes the file."""


@dataclass(frozen=True)
class Fingerprint:
    """What identifies a delivery: hash and size (bytes) of the file as delivered."""

    sha256: str
    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True)
class Spooled:
    """A decoded copy: UTF-8 text without a byte-order mark. Its user deletes it."""

    path: Path
    ends_with_newline: bool


def fingerprint(path: Path) -> Fingerprint:
    """Hash `path`, in bounded memory; links are not followed.

    Raises OSError when it is no regular file or cannot be read, FileChanged when it grew or was
    replaced meanwhile.
    """
    with _open(path) as file:
        before = os.fstat(file.fileno())
        digest = hashlib.sha256()
        size = 0
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
        after = os.fstat(file.fileno())
    if size != before.st_size or after.st_mtime_ns != before.st_mtime_ns:
        raise FileChanged(errno.EAGAIN, "the file changed while it was read", str(path))
    return Fingerprint(digest.hexdigest(), size, after.st_mtime_ns)


def spool(path: Path, contract: Contract, fingerprint: Fingerprint, spool_dir: Path) -> Spooled:
    """Copy `path` to `spool_dir`, unpacked (names ending in .gz) and decoded, in bounded memory.

    A byte-order mark decides over the contract's encoding. Raises Refused (`empty_file`,
    `bad_gzip`, `bad_encoding` with the byte offset in the unpacked file), FileChanged when the
    bytes are not those of `fingerprint`, OSError when reading or writing fails. Nothing is left
    behind then.
    """
    spool_dir.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=spool_dir, suffix=".txt")
    spooled = Path(name)
    try:
        with os.fdopen(handle, "wb") as target, _open(path) as source:
            delivered = _Hashed(source)
            refusal = None
            try:
                last = _decode(delivered, path.name, contract.encoding, target)
            except Refused as problem:
                refusal = problem
            # A verdict counts only for the bytes that were announced: hash them to the end.
            if delivered.hexdigest() != fingerprint.sha256:
                raise FileChanged(errno.EAGAIN, "the file changed while it was read", str(path))
            if refusal:
                raise refusal
    except BaseException:
        spooled.unlink(missing_ok=True)
        raise
    return Spooled(spooled, ends_with_newline=last == b"\n")


class _Hashed:
    """Chunks of a file, hashed as they pass."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self._file.read(_CHUNK):
            self._digest.update(chunk)
            yield chunk

    def hexdigest(self) -> str:
        for _ in self:
            pass
        return self._digest.hexdigest()


def _open(path: Path) -> BinaryIO:
    # O_NONBLOCK: opening a named pipe must not wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def _decode(delivered: _Hashed, name: str, encoding: str, target: BinaryIO) -> bytes:
    """Write the text as UTF-8; return its last byte."""
    chunks = iter(delivered)
    if name.lower().endswith(".gz"):
        chunks = _unpack(chunks, name)
    head = b""
    while len(head) < 3 and (chunk := next(chunks, None)) is not None:
        head += chunk
    mark, encoding = next(
        (known for known in _BYTE_ORDER_MARKS if head.startswith(known[0])), (b"", encoding)
    )
    is_wide = codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))
    if not mark and not is_wide and head[:2].count(0) == 1:
        raise Refused(
            "bad_encoding",
            f"{name} looks like UTF-16 without a byte-order mark, which nobody can be sure of;"
            " deliver it in UTF-8, or with the mark.",
        )
    decoder = codecs.getincrementaldecoder(encoding)()
    is_utf8 = codecs.lookup(encoding).name == "utf-8"
    offset = len(mark)
    blank, last = True, b""

    def write(chunk: bytes, final: bool = False) -> None:
        nonlocal offset, blank, last
        pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(chunk, final)
            data = chunk if is_utf8 else text.encode()
        except UnicodeError as error:
            position = offset - pending + getattr(error, "start", 0)
            raise Refused(
                "bad_encoding",
                f"{name} is not valid {encoding} at byte offset {position} of the "
                f"{'unpacked ' if name.lower().endswith('.gz') else ''}file; "
                "deliver it in the encoding of the feed's contract.",
            ) from None
        offset += len(chunk)
        blank = blank and (not text or text.isspace())
        last = data[-1:] or last
        target.write(data)

    write(head[len(mark) :])
    for chunk in chunks:
        write(chunk)
    write(b"", final=True)
    if blank:
        raise Refused("empty_file", f"{name} is empty; deliver a header at least, or [] in JSON.")
    return last


def _unpack(chunks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Unpack gzip, also of several members; zero bytes after the last one are padding."""

    def bad(problem: str) -> Refused:
        return Refused("bad_gzip", f"{name} does not unpack whole: {problem}; deliver it again.")

    member = zlib.decompressobj(_GZIP)
    begun = finished = False
    for chunk in chunks:
        while chunk:
            if member.eof:
                chunk = chunk.lstrip(b"\0")
                if not chunk:
                    break
                member = zlib.decompressobj(_GZIP)
            begun = True
            try:
                unpacked = member.decompress(chunk, _CHUNK)
                yield unpacked
                # A full piece may have more behind it, also where no input is left.
                while not member.eof and (member.unconsumed_tail or len(unpacked) == _CHUNK):
                    unpacked = member.decompress(member.unconsumed_tail, _CHUNK)
                    yield unpacked
            except zlib.error as error:
                raise bad(str(error)) from None
            chunk = member.unused_data
        finished = member.eof
    if begun and not finished:
        raise bad("it is cut off")
