"""What is packed: by gzip, bzip2, xz or zip (as workbooks are), also one inside another.

Belongs here: the bytes inside, and packing others in their place. Does not: which bytes those are
(`delivered.py`), whom they are about (`traces.py`).
"""

import bz2
import gzip
import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain

_DEEPEST = 4
_LARGEST = 1 << 30
_GZIP, _ZIP, _XZ = b"\x1f\x8b", b"PK\x03\x04", b"\xfd7zXZ\0"
_BZIP2 = re.compile(rb"BZh[1-9]1AY&SY")
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    RuntimeError,  # a password, or a way of packing that Python does not know
    EOFError,
    OSError,
    ValueError,
    lzma.LZMAError,
    zlib.error,
)
_GZIP_HAS_CHECKSUM, _GZIP_HAS_EXTRA, _GZIP_HAS_NAME, _GZIP_HAS_COMMENT = 2, 4, 8, 16
_LONGEST_NAME = 1 << 16
# What is fed at once; what a broken file is cut by, so that it stays broken.
_FED, _CUT = 1 << 14, 4


class CannotUnpack(Exception):
    """Locked, broken, packed by unknown means, or too large or too deep for a look."""


def is_packed(data: bytes) -> bool:
    """Whether bytes begin like packed ones, whatever their file is called."""
    return data.startswith((_GZIP, _ZIP, _XZ)) or _BZIP2.match(data) is not None


def contents(data: bytes, depth: int = _DEEPEST) -> Iterator[Iterable[bytes]]:
    """Each thing in packed bytes, in pieces: what was packed, and the names that stand beside it.

    Of what is broken or cut off what still unpacks. Then, as of what is locked, raises
    CannotUnpack.
    """
    if not depth:
        raise CannotUnpack
    if data.startswith(_ZIP):
        for name in _zip_names(data):
            yield [name.encode(errors="replace")]
        for _, content in _members(data):
            yield from contents(content, depth - 1) if is_packed(content) else [[content]]
        return
    names: list[str] = []
    pieces = _stream(data, names)
    first = next(pieces, b"")
    if is_packed(first):
        raw, is_whole = _joined(chain([first], pieces))
        yield [name.encode() for name in names]
        yield from contents(raw, depth - 1)
        if not is_whole:
            raise CannotUnpack
    else:
        # A broken one ends here: its first names go before.
        yield [name.encode() for name in names]
        yield chain([first], pieces)
        yield [name.encode() for name in names]


def repacked(
    data: bytes,
    edit: Callable[[bytes], bytes],
    edit_name: Callable[[str], str],
    depth: int = _DEEPEST,
) -> bytes:
    """What `edit` makes of bytes, or of what is packed in them, packed in the same way.

    The same bytes, if nothing in them changes. What was broken stays broken: no file comes to count
    because somebody was erased. Raises CannotUnpack.
    """
    if not is_packed(data):
        return edit(data)
    if not depth:
        raise CannotUnpack
    if not data.startswith(_ZIP):
        names: list[str] = []
        raw, is_whole = _joined(_stream(data, names))
        after = repacked(raw, edit, edit_name, depth - 1)
        if after == raw and all(edit_name(name) == name for name in names):
            return data
        return _pack(after, data) if is_whole else _pack(after, data)[:-_CUT]
    made = io.BytesIO()
    is_same = all(edit_name(name) == name for name in _zip_names(data))
    with zipfile.ZipFile(made, "w") as archive:
        for member, content in _members(data):
            after = repacked(content, edit, edit_name, depth - 1)
            name = edit_name(member.filename)
            is_same &= after == content
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
    except _ZIP_ERRORS as error:
        raise CannotUnpack from error


def _zip_names(data: bytes) -> list[str]:
    """The names and remarks in a zip's directory. Raises CannotUnpack."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            texts = [archive.comment]
            for member in archive.infolist():
                texts += [member.comment, member.extra]
            names = [member.filename for member in archive.infolist()]
            return [*names, *(text.decode("latin-1") for text in texts if text)]
    except _ZIP_ERRORS as error:
        raise CannotUnpack from error


def _joined(pieces: Iterable[bytes]) -> tuple[bytes, bool]:
    """Pieces up to their end, or to where they cannot be unpacked; whether it was their end."""
    found = []
    try:
        found.extend(pieces)
    except CannotUnpack:
        return b"".join(found), False
    return b"".join(found), True


def _stream(data: bytes, names: list[str]) -> Iterator[bytes]:
    """What unpacks, in pieces, none of them empty; `names` gets what stands beside it.

    Raises CannotUnpack where it is broken or cut off.
    """
    view, position = memoryview(data), 0
    while position < len(view):
        if not is_packed(bytes(view[position : position + 16])):
            if any(view[position:]):
                raise CannotUnpack
            # Some writers fill up blocks.
            return
        position = yield from _unpacked_one(view, position, names)


def _unpacked_one(view: memoryview, position: int, names: list[str]) -> Generator[bytes, None, int]:
    """What one member holds that begins at a place; gives the place behind it.

    Fed bit by bit, so that an error takes little along.
    """
    is_gzip, checksum, size = bytes(view[position : position + 2]) == _GZIP, 0, 0
    if is_gzip:
        member = zlib.decompressobj(-zlib.MAX_WBITS)
        position, texts = _gzip_header(view, position)
        names += texts
    elif bytes(view[position : position + len(_XZ)]) == _XZ:
        member = lzma.LZMADecompressor(lzma.FORMAT_XZ)
    else:
        member = bz2.BZ2Decompressor()
    while not member.eof:
        if position >= len(view):
            raise CannotUnpack
        fed = bytes(view[position : position + _FED])
        try:
            piece = member.decompress(fed)
        except (zlib.error, OSError, EOFError, lzma.LZMAError) as error:
            raise CannotUnpack from error
        position += len(fed) - len(member.unused_data)
        checksum, size = zlib.crc32(piece, checksum), size + len(piece)
        if piece:
            yield piece
    if is_gzip:
        if bytes(view[position : position + 8]) != struct.pack("<II", checksum, size & 0xFFFFFFFF):
            raise CannotUnpack
        position += 8
    return position


def _gzip_header(view: memoryview, position: int) -> tuple[int, list[str]]:
    """Where the packed bytes of a member begin, and the texts in front of them (RFC 1952, 2.3)."""
    flags, end, texts = view[position + 3] if position + 10 <= len(view) else 0, position + 10, []
    if flags & _GZIP_HAS_EXTRA:
        size = int.from_bytes(view[end : end + 2], "little")
        texts.append(bytes(view[end + 2 : end + 2 + size]))
        end += 2 + size
    for flag in (_GZIP_HAS_NAME, _GZIP_HAS_COMMENT):
        if flags & flag:
            text = bytes(view[end : end + _LONGEST_NAME]).partition(b"\0")[0]
            texts.append(text)
            end += len(text) + 1
    return end + 2 * bool(flags & _GZIP_HAS_CHECKSUM), [text.decode("latin-1") for text in texts]


def _pack(raw: bytes, like: bytes) -> bytes:
    if like.startswith(_GZIP):
        return gzip.compress(raw, mtime=0)
    return (lzma if like.startswith(_XZ) else bz2).compress(raw)
