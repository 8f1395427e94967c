"""Fewer events that still go wrong: what a person wants to read.

Belongs here: leaving out events and lines of files. Does not: whether a stream goes wrong
(`sequence.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from ordeal.streams import Deliver, Event, Stream

Item = TypeVar("Item")


def shrink(stream: Stream, goes_wrong: Callable[[Stream], bool]) -> Stream:
    """A stream without the events, and the lines of files, that are not needed to go wrong.

    The last event, a build, stays. `goes_wrong` is asked some dozens of times.
    """

    def with_events(events: Sequence[Event]) -> Stream:
        return replace(stream, events=(*events, stream.events[-1]))

    kept = _fewer(stream.events[:-1], lambda events: goes_wrong(with_events(events)))
    for place, event in enumerate(kept):
        if isinstance(event, Deliver) and not event.name.endswith(".json"):

            def with_lines(lines: Sequence[bytes], place: int = place) -> Event:
                one = kept[place]
                assert isinstance(one, Deliver)
                return replace(one, content=b"".join(lines))

            def fails(lines: Sequence[bytes], place: int = place) -> bool:
                shorter = [*kept[:place], with_lines(lines, place), *kept[place + 1 :]]
                return goes_wrong(with_events(shorter))

            kept[place] = with_lines(_fewer(event.content.splitlines(keepends=True), fails))
    return with_events(kept)


def _fewer(items: Sequence[Item], goes_wrong: Callable[[Sequence[Item]], bool]) -> list[Item]:
    """Items without those that can be left out, tried in ever smaller groups."""
    kept = list(items)
    size = len(kept) // 2
    while size:
        start = 0
        while start < len(kept):
            fewer = kept[:start] + kept[start + size :]
            if goes_wrong(fewer):
                kept = fewer
            else:
                start += size
        size //= 2
    return kept
