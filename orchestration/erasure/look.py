"""A look at the bytes of all files: in which ones a person still stands.

Belongs here: which files are searched, and what is known of each afterwards. Does not: what is
searched for, and in which spellings (`traces.py`); clearing (`files.py`).
"""

import os
import re
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from stat import S_ISREG

from orchestration.erasure.packing import CannotUnpack
from orchestration.erasure.traces import Traces, chunks
from orchestration.pii_key import KEY_FILE

# A process takes as long to start as to search a quarter of this.
_SHARED_FROM_BYTES = 1 << 29
_HEAD = 4096
_BINARY = bytes({*range(32)} - {*b"\b\t\n\v\f\r\x1a\x1b"})


@dataclass
class Seen:
    """What is known of every file after a look at it: its state then, and what stood in it.

    `unread` cannot be unpacked, or are no text: the person may stand in them all the same.
    """

    states: dict[Path, tuple[int, int]] = field(default_factory=dict)
    telling: set[Path] = field(default_factory=set)
    words: set[Path] = field(default_factory=set)
    mentions: set[Path] = field(default_factory=set)
    unread: set[Path] = field(default_factory=set)


def look(
    folders: list[Path],
    traces: Traces,
    before: Seen | None = None,
    besides: Collection[Path] = (),
) -> Seen:
    """Search the bytes of all files but those of `besides`.

    The first look leaves DuckDB's out, which hold the person in many places. A look after
    another (`before`) spares files that it found free of traces and that have not changed since.
    """
    seen, sizes = Seen(), {}
    for path in files_under(folders):
        is_key = path.name == KEY_FILE and path.parent in folders
        if is_key or path in besides or (before is None and is_database(path)):
            continue
        try:
            state = path.stat()
        except FileNotFoundError:
            continue
        seen.states[path] = (state.st_size, state.st_mtime_ns)
        if traces.edit(path.name) != path.name:
            seen.mentions.add(path)
            seen.telling.add(path)
        if before is None or before.states.get(path) != seen.states[path] or path in before.telling:
            sizes[path] = state.st_size
        else:
            seen.words |= before.words & {path}
            seen.unread |= before.unread & {path}
    for found in _searched(sizes, traces):
        seen.mentions |= found.mentions
        seen.telling |= found.telling
        seen.words |= found.words
        seen.unread |= found.unread
    return seen


def is_database(path: Path) -> bool:
    """Whether DuckDB wrote the file: a database, its log, a draft of one."""
    return re.search(r"\.duckdb(\.(wal|rewritten).*)?$", path.name) is not None


def files_under(folders: Iterable[Path]) -> list[Path]:
    """Every regular file under `folders`, once."""
    found = set()
    for folder in folders:
        for inside, _, names in os.walk(folder.resolve()):
            for path in (Path(inside, name) for name in names):
                # It may be gone by now.
                with suppress(FileNotFoundError):
                    if S_ISREG(path.lstat().st_mode):
                        found.add(path)
    return sorted(found)


def _searched(sizes: Mapping[Path, int], traces: Traces) -> Iterable[Seen]:
    """What stands in each file (path → bytes); several processes share what takes long."""
    if sum(sizes.values()) < _SHARED_FROM_BYTES:
        return [_search(path, traces) for path in sizes]
    # The largest first: then nobody has one left when all others are done.
    paths = sorted(sizes, key=sizes.__getitem__, reverse=True)
    # DuckDB has threads in this process, which a fork of it would lack.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        return list(pool.map(_search, paths, repeat(traces)))


def _search(path: Path, traces: Traces) -> Seen:
    seen = Seen()
    try:
        _search_in(path, traces, seen)
    except FileNotFoundError:
        # A program that runs meanwhile removed a file of its own, such as SQLite's `-shm`.
        return Seen()
    except CannotUnpack:
        seen.unread.add(path)
    return seen


def _search_in(path: Path, traces: Traces, seen: Seen) -> None:
    for piece in chunks(path):
        if len(piece[:_HEAD].translate(None, _BINARY)) < len(piece[:_HEAD]):
            seen.unread.add(path)
        if not traces.mentions(piece):
            continue
        seen.mentions.add(path)
        if traces.words_in_bytes(piece):
            seen.words.add(path)
        if traces.in_bytes(piece):
            seen.telling.add(path)
            break
