"""Files from landing to archive or discarded: renamed, never overwritten, never changed.

Belongs here: names in the target folders, the reason file beside a discarded file, finding copies
again. Does not: deciding where a file goes.
"""

import errno
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from orchestration.loader.file_names import text_of
from orchestration.loader.refusal import Refused
from orchestration.loader.spool import FileChanged, Fingerprint, fingerprint

_MAX_NAME_BYTES = 255
_REASON = ".reason.json"
_REASON_KEYS = {"file", "sha256", "reason", "message", "discarded_at"}


def move(source: Path, folder: Path, seen: Fingerprint, tag: str) -> Path:
    """Move `source` into `folder` under its own name, with `.<tag>` behind it when that is taken.

    Raises FileChanged when the file is no longer the one that was `seen`: what lies there now is
    another delivery. Raises OSError when it cannot be moved.
    """
    return _move(source, _free(folder, source.name, tag), seen)


def discard(
    source: Path, folder: Path, seen: Fingerprint, tag: str, refusal: Refused, at: datetime
) -> Path:
    """Move `source` into `folder`, with its reason beside it.

    The reason is written first, so that no file ever lies there without one. Raises as `move`.
    """
    reason = {
        "file": text_of(source.name),
        "sha256": seen.sha256,
        "reason": refusal.code,
        "message": refusal.message,
        "discarded_at": at.isoformat(timespec="seconds"),
    }
    target = _free(folder, source.name, tag, seen.sha256)
    note = _reason_path(target)
    draft = note.with_name(f".{seen.sha256}{_REASON}")
    draft.write_text(json.dumps(reason, indent=2) + "\n", encoding="utf-8")
    draft.replace(note)
    return _move(source, target, seen)


def put_back(source: Path, target: Path) -> None:
    """Move a discarded file to `target`, which nothing has, then remove the reason beside it.

    A crash in between leaves a reason without its file, which `remove_lone_reasons` removes.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    reason = _reason_path(source)
    _rename(source, target, source.name)
    reason.unlink(missing_ok=True)


def remove_lone_reasons(discarded: Path) -> int:
    """Remove reason files whose file is no longer beside them; how many they were.

    A delivered file may be called like one; it stays.
    """
    lone = [note for folder in discarded.glob("*") for note in _lone_reasons(folder)]
    for note in lone:
        note.unlink()
    return len(lone)


def _lone_reasons(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    # From file to reason, never back: the reason of a long name has lost that name's end.
    reasons = {path: _reason_path(path) for path in folder.iterdir()}
    in_use = {reason for path, reason in reasons.items() if reason != path}
    return [
        path
        for path, own_reason in reasons.items()
        if path.name.endswith(_REASON)
        and path not in in_use
        # What has a reason itself was delivered.
        and (own_reason == path or own_reason not in reasons)
        # A draft that a crash left: no delivered file has such a name.
        and (path.name.startswith(".") or _read_reason(path) is not None)
    ]


def _read_reason(path: Path) -> dict[str, str] | None:
    """What a reason file of ours says; None when it is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    is_ours = isinstance(document, dict) and document.keys() >= _REASON_KEYS
    return document if is_ours else None


def copies_by_name(
    folder: Path, name: str, tags: Iterable[str], sizes: Mapping[str, int]
) -> list[Path]:
    """The files that `move` or `discard` put into `folder` for one name, by their bytes.

    `sizes` has the sizes (bytes) of the contents that are meant, by their sha256.
    """
    paths = [folder / name]
    for tag in tags:
        paths += [folder / _tagged(name, tag), folder / _tagged(name, tag, len(_REASON))]
    return [path for path in dict.fromkeys(paths) if _has_bytes(path, sizes)]


def copies_by_bytes(folder: Path, sizes: Mapping[str, int]) -> Iterator[Path]:
    """The files in `folder` with these contents, whatever their names have become."""
    if folder.is_dir():
        yield from (path for path in sorted(folder.iterdir()) if _has_bytes(path, sizes))


def _has_bytes(path: Path, sizes: Mapping[str, int]) -> bool:
    try:
        return path.lstat().st_size in sizes.values() and fingerprint(path).sha256 in sizes
    except OSError:
        return False


def _move(source: Path, target: Path, seen: Fingerprint) -> Path:
    state = source.lstat()
    if (state.st_size, state.st_mtime_ns) != (seen.size_bytes, seen.mtime_ns):
        raise FileChanged(errno.EAGAIN, "the file was written to after it was read")
    return _rename(source, target, seen.sha256)


def _rename(source: Path, target: Path, draft_name: str) -> Path:
    try:
        os.rename(source, target)  # noqa: PTH104 (never replaces: _free has looked)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # landing may be a mount of its own: the copy gets its name when it is whole.
        draft = target.with_name(f".{draft_name}.moving")
        shutil.copy2(source, draft, follow_symlinks=False)
        draft.rename(target)
        try:
            source.unlink(missing_ok=True)
        except OSError:
            # A file that stays in landing is no copy of itself, at every load another.
            if os.path.lexists(source):
                target.unlink()
            raise
    return target


def _free(folder: Path, name: str, tag: str, reason_for: str | None = None) -> Path:
    """A path in `folder` that nothing has, nor its reason file (one for these bytes aside)."""
    folder.mkdir(parents=True, exist_ok=True)
    # The tag has to show in the name of the reason file too, or that is another's at every attempt.
    room = len(_REASON) if reason_for else 0
    attempt = 1
    target = folder / name
    while os.path.lexists(target) or _is_anothers(_reason_path(target), reason_for):
        target = folder / _tagged(name, tag if attempt == 1 else f"{tag}.{attempt}", room)
        attempt += 1
    return target


def _is_anothers(note: Path, sha256: str | None) -> bool:
    """Whether a reason file lies there that an interrupted move of these bytes did not write."""
    if sha256 is None or not os.path.lexists(note):
        return False
    reason = _read_reason(note)
    return reason is None or reason["sha256"] != sha256


def _reason_path(target: Path) -> Path:
    return target.with_name(_tagged(target.name, _REASON.removeprefix(".")))


def _tagged(name: str, tag: str, room: int = 0) -> str:
    """`name.tag`, with `room` bytes to spare; a name too long for that loses its end."""
    kept = os.fsencode(name)[: _MAX_NAME_BYTES - room - len(tag) - 1]
    return f"{os.fsdecode(kept)}.{tag}"
