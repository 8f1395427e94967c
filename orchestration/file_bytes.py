"""Bytes of whole files: copied, and kept through a power cut.

Belongs here: what the operating system offers for it. Does not: which files.
"""

import fcntl
import mmap
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PIECE_BYTES = 16 << 20
# The request of ioctl_ficlone(2).
_FICLONE = 0x40049409


def copy(source: Path, target: Path) -> None:
    """Copy a file: its blocks are shared where the file system can, else its bytes are copied.

    They go past the system's cache where it can be passed: a gigabyte in it costs its pages,
    seconds of a processor instead of a tenth of one.
    """
    for way in (_share, _copy_directly, shutil.copyfile):
        try:
            way(source, target)
            break
        except (AttributeError, OSError):
            # Not every system, and not every file system of it, knows a way; all know the last.
            if way is shutil.copyfile:
                raise


def _share(source: Path, target: Path) -> None:
    with source.open("rb") as read, target.open("wb") as written:
        fcntl.ioctl(written, _FICLONE, read.fileno())


def _copy_directly(source: Path, target: Path) -> None:
    with (
        _opened(source, os.O_RDONLY) as read,
        _opened(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as written,
        # It begins at a page and is whole pages long, as passing the cache wants it.
        mmap.mmap(-1, _PIECE_BYTES) as memory,
        memoryview(memory) as piece,
    ):
        while count := os.readv(read, [piece]):
            pages = -(-count // mmap.PAGESIZE) * mmap.PAGESIZE
            if os.write(written, piece[:pages]) < pages:
                raise OSError(f"{target}: the disk is full")
            if pages > count and os.lseek(read, 0, os.SEEK_CUR) < os.fstat(read).st_size:
                raise OSError(f"{source}: a part of a page was read")
        os.ftruncate(written, os.fstat(read).st_size)


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_DIRECT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def sync(path: Path) -> None:
    """Have what was written to a file, or the names in a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
