"""What lies in landing, what of it is finished, and what is due.

Belongs here: listing, waiting until files have settled, the note that lets others see what is due
without opening the warehouse. Does not: reading or moving files.
"""

import json
import os
import stat
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from orchestration.contracts import Contract, feed_names
from orchestration.loader.file_names import FileName, is_unfinished, read_name, shown
from orchestration.settings import Settings, make_private

NOTES_FILE = "landing.json"
_LONGEST_WAIT = 4  # times SETTLE_SECONDS, for files that are dropped or grow while waiting
_LONGEST_PAUSE_SECONDS = 3600
_MOST_DOUBLINGS = 60  # past any pause; a file that fails for weeks would double it past all numbers


@dataclass(frozen=True)
class Landed:
    """One regular file in landing, as it was when the folder was listed."""

    path: Path
    name: FileName
    size_bytes: int
    mtime_ns: int

    @property
    def state(self) -> tuple[int, int]:
        return self.size_bytes, self.mtime_ns


@dataclass(frozen=True)
class Note:
    """What the last load said of a file it left in landing.

    `seen_at`: Unix time, seconds. `failures`: loads in a row that could not handle this content.
    """

    size_bytes: int
    mtime_ns: int
    seen_at: float
    status: str
    reason: str | None = None
    failures: int = 0

    @property
    def state(self) -> tuple[int, int]:
        return self.size_bytes, self.mtime_ns


@dataclass(frozen=True)
class Notes:
    """The last load's notes. `late_at`: Unix time at which the next waiting batch becomes late.

    `wanted` is a sentence that says why a run is wanted since, although nothing landed.
    """

    files: Mapping[str, Note] = field(default_factory=dict)
    late_at: float | None = None
    wanted: str | None = None


@dataclass(frozen=True)
class Due:
    """Whether a run is due, names of files it would load, and a sentence: why, or why not."""

    names: tuple[str, ...]
    sentence: str
    is_due: bool


def list_landing(
    settings: Settings, feeds: Mapping[str, Contract], today: date
) -> dict[str, Landed]:
    """The finished regular files of landing by name. Links, folders and pipes are passed over."""
    found: dict[str, Landed] = {}
    with os.scandir(settings.landing) as entries:
        for entry in entries:
            try:
                state = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if not stat.S_ISREG(state.st_mode) or is_unfinished(entry.name):
                continue
            name = read_name(entry.name, feeds, today)
            path = settings.landing / entry.name
            found.setdefault(name.name, Landed(path, name, state.st_size, state.st_mtime_ns))
    return dict(sorted(found.items()))


def passed_over(settings: Settings) -> list[str]:
    """A sentence for each thing in landing that is never read: links, folders, pipes."""
    lines = []
    with suppress(FileNotFoundError), os.scandir(settings.landing) as entries:
        for entry in entries:
            if is_unfinished(entry.name) or entry.is_file(follow_symlinks=False):
                continue
            kind, instead = "no regular file", "the file itself"
            if entry.is_symlink():
                kind = "a link"
            elif entry.is_dir():
                kind, instead = "a folder", "the files in it"
            lines.append(f"{shown(entry.name)} in landing is {kind}, not read; drop {instead}.")
    return sorted(lines)


def is_settled(landed: Landed, settle_seconds: float, note: Note | None, clock: float) -> bool:
    """Whether a file has been unchanged for `settle_seconds` at `clock` (Unix time, seconds).

    Its modification time says so, or an earlier look: a time in the future, from a machine whose
    clock is ahead, would never become old enough.
    """
    if settle_seconds == 0 or clock - landed.mtime_ns / 1e9 >= settle_seconds:
        return True
    return (
        note is not None and note.state == landed.state and clock - note.seen_at >= settle_seconds
    )


def look(
    settings: Settings,
    feeds: Mapping[str, Contract],
    today: date,
    notes: Notes,
    wait: bool,
) -> tuple[dict[str, Landed], dict[str, Note]]:
    """Landing's files by name, and a note for each that has not settled.

    With `wait`, files that were just dropped are waited for; one that keeps growing is not.
    """
    give_up_at = time.monotonic() + _LONGEST_WAIT * settings.settle_seconds
    known = dict(notes.files)
    while True:
        clock = time.time()
        landed = list_landing(settings, feeds, today)
        unsettled: dict[str, Note] = {}
        for name, file in landed.items():
            note = known.get(name)
            if not is_settled(file, settings.settle_seconds, note, clock):
                if note is None or note.state != file.state or note.seen_at > clock:
                    note = Note(*file.state, clock, "unsettled")
                unsettled[name] = note
        if not (wait and unsettled and time.monotonic() < give_up_at):
            return landed, unsettled
        known |= unsettled
        time.sleep(min(0.2, settings.settle_seconds))


def what_is_due(
    settings: Settings,
    contracts: Mapping[str, Contract],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Due:
    """What a load would look at now, from the folder and the last load's notes alone.

    A file is due when it has settled and is not what the last load left waiting or held: those are
    due when something else is, or when a batch becomes late. A file that failed is due again after
    a pause that grows. Never opens the warehouse.
    """
    notes = read_notes(settings)
    if notes.wanted:
        return Due((), notes.wanted, is_due=True)
    if not settings.landing.is_dir():
        return Due((), f"There is no folder {settings.landing} yet.", is_due=False)
    landed = list_landing(settings, feed_names(dict(contracts)), now().date())
    clock = time.time()
    due, left, settling, resting = [], [], [], []
    for name, file in landed.items():
        note = notes.files.get(name)
        is_same = note is not None and note.state == file.state
        # A look after now, by a clock that was set back since, does not say how long ago it was.
        is_known = is_same and note.seen_at <= clock
        if is_same and note.status in ("waiting", "held"):
            left.append(name)
        elif is_known and clock < _rests_until(settings, note):
            resting.append(name)
        elif is_settled(file, settings.settle_seconds, note, clock) or (
            not is_known and file.mtime_ns / 1e9 > clock
        ):
            due.append(name)
        else:
            settling.append(name)
    if due:
        sentence = f"{_files(due, 'is due', 'are due')}, the first is {shown(due[0])}."
        return Due(tuple(due), sentence, is_due=True)
    if notes.late_at is not None and left and now().timestamp() >= notes.late_at:
        return Due(tuple(left), "A waiting batch has become late.", is_due=True)
    if resting:
        ends = [_rests_until(settings, notes.files[name]) for name in resting]
        again = datetime.fromtimestamp(min(ends), UTC)
        return Due(
            (),
            f"{_files(resting, 'could', 'could')} not be handled, the first is"
            f" {shown(resting[0])}; tried again at {again:%H:%M:%S} UTC.",
            is_due=False,
        )
    if settling:
        sentence = f"{_files(settling, 'is', 'are')} still being written."
    elif left:
        sentence = f"{_files(left, 'waits', 'wait')} for the rest of the batch or"
        sentence += " is held." if len(left) == 1 else " are held."
    else:
        sentence = "Landing is empty."
    return Due((), sentence, is_due=False)


def pause_seconds(settings: Settings, failures: int) -> float:
    """How long to wait after so many failures in a row: doubling, an hour at most."""
    if not failures:
        return 0
    longest = max(_LONGEST_PAUSE_SECONDS, settings.retry_pause_seconds)
    return min(settings.retry_pause_seconds * 2.0 ** min(failures - 1, _MOST_DOUBLINGS), longest)


def want_run(settings: Settings, why: str) -> None:
    """Have the sensor ask for a run although nothing landed; `why` is a sentence."""
    make_private(settings.warehouse.parent)
    write_notes(settings, replace(read_notes(settings), wanted=why))


def _rests_until(settings: Settings, note: Note) -> float:
    return note.seen_at + pause_seconds(settings, note.failures)


def _files(names: list[str], one: str, several: str) -> str:
    return f"1 file {one}" if len(names) == 1 else f"{len(names)} files {several}"


def notes_file(settings: Settings) -> Path:
    return settings.warehouse.with_name(NOTES_FILE)


def read_notes(settings: Settings) -> Notes:
    """The last load's notes; none when missing or unreadable, which makes all files due."""
    try:
        document = json.loads(notes_file(settings).read_text(encoding="utf-8"))
        return Notes(
            {name: Note(**note) for name, note in document["files"].items()},
            document["late_at"],
            document.get("wanted"),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Notes()


def write_notes(settings: Settings, notes: Notes) -> None:
    """Replace the notes in one step."""
    draft = notes_file(settings).with_suffix(".json.new")
    draft.write_text(json.dumps(asdict(notes)), encoding="utf-8")
    draft.replace(notes_file(settings))
