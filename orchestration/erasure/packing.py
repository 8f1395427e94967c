"""What is packed: by gzip, bzip2, xz or zip (as workbooks are), also one inside another.

Belongs here: the bytes inside, and packing others in their place. Does not: which bytes those are
(`delivered.py`), whom they are about (`traces.py`).
"""

import bz2
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain

_PIECE = 1 << 20
_DEEPEST = 4
_LARGEST = 1 << 30
_GZIP, _ZIP, _XZ = b"\x1f\x8b", b"PK\x03\x04", b"\xfd7zXZ\0"
_BZIP2 = re.compile(rb"BZh[1-9]1AY&SY")
_GZIP_HAS_EXTRA, _GZIP_HAS_NAME = 4, 8


class CannotUnpack(Exception):
    """Locked, broken, packed by unknown means, or too large or too deep for a look."""


def is_packed(data: bytes) -> bool:
    """Whether bytes begin like packed ones, whatever their file is called."""
    return data.startswith((_GZIP, _ZIP, _XZ)) or _BZIP2.match(data) is not None


def contents(data: bytes, depth: int = _DEEPEST) -> Iterator[Iterable[bytes]]:
    """Each thing in packed bytes, in pieces: what was packed, and the names that stand beside it.

    Of what is broken or cut off: what still unpacks. Raises CannotUnpack.
    """
    if not depth:
        raise CannotUnpack
    if data.startswith(_ZIP):
        for member, content in _members(data):
            yield [member.filename.encode(errors="replace")]
            yield from contents(content, depth - 1) if is_packed(content) else [[content]]
        return
    if name := _gzip_name(data):
        yield [name.encode()]
    pieces = _stream(data)
    first = next(pieces, b"")
    if is_packed(first):
        yield from contents(b"".join([first, *pieces]), depth - 1)
    else:
        yield chain([first], pieces)


def repacked(
    data: bytes,
    edit: Callable[[bytes], bytes],
    edit_name: Callable[[str], str],
    depth: int = _DEEPEST,
) -> bytes:
    """What `edit` makes of bytes, or of what is packed in them, packed in the same way.

    The same bytes, if nothing in them changes. Raises CannotUnpack.
    """
    if not is_packed(data):
        return edit(data)
    if not depth:
        raise CannotUnpack
    if not data.startswith(_ZIP):
        raw = b"".join(_stream(data))
        after = repacked(raw, edit, edit_name, depth - 1)
        name = _gzip_name(data)
        return data if after == raw and edit_name(name) == name else _pack(after, data)
    made, is_same = io.BytesIO(), True
    with zipfile.ZipFile(made, "w") as archive:
        for member, content in _members(data):
            after = repacked(content, edit, edit_name, depth - 1)
            name = edit_name(member.filename)
            is_same &= after == content and name == member.filename
            copy = zipfile.ZipInfo(name, member.date_time)
            copy.compress_type = member.compress_type
            archive.writestr(copy, after)
    return data if is_same else made.getvalue()


def _members(data: bytes) -> Iterator[tuple[zipfile.ZipInfo, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > _LARGEST:
                raise CannotUnpack
            for member in members:
                yield member, archive.read(member)
    except (
        zipfile.BadZipFile,
        NotImplementedError,  # another way of packing
        RuntimeError,  # a password
        EOFError,
        OSError,
        ValueError,
        lzma.LZMAError,
        zlib.error,
    ) as error:
        raise CannotUnpack from error


def _stream(data: bytes) -> Iterator[bytes]:
    if data.startswith(_GZIP):
        yield from _gunzipped(data)
        return
    with (
        suppress(EOFError, OSError, lzma.LZMAError),
        (lzma if data.startswith(_XZ) else bz2).open(io.BytesIO(data)) as file,
    ):
        while piece := file.read(_PIECE):
            yield piece


def _gunzipped(data: bytes) -> Iterator[bytes]:
    """What unpacks, also of several members, up to where it is broken or ends."""
    while data.startswith(_GZIP):
        member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            while not member.eof and data:
                if piece := member.decompress(data, _PIECE):
                    yield piece
                elif not member.unconsumed_tail:
                    break
                data = member.unused_data if member.eof else member.unconsumed_tail
            yield member.flush()
        except zlib.error:
            return
        data = member.unused_data.lstrip(b"\0")


def _gzip_name(data: bytes) -> str:
    """The name that gzip keeps of the file it packed, if it does (RFC 1952, 2.3)."""
    if not data.startswith(_GZIP) or len(data) < 10 or not data[3] & _GZIP_HAS_NAME:
        return ""
    begin = 10
    if data[3] & _GZIP_HAS_EXTRA:
        begin += 2 + int.from_bytes(data[10:12], "little")
    return data[begin:].partition(b"\0")[0].decode("latin-1")


def _pack(raw: bytes, like: bytes) -> bytes:
    if like.startswith(_GZIP):
        return gzip.compress(raw, mtime=0)
    return (lzma if like.startswith(_XZ) else bz2).compress(raw)
