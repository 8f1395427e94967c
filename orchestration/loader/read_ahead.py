"""Files read ahead: threads hash and read what comes next while the load stores what came before.

Belongs here: which files are read ahead, and how many at a time. Does not: how a file is read
(`deliveries.py`), what becomes of it (`units.py`).
"""

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Set
from concurrent.futures import ThreadPoolExecutor, wait

from orchestration.loader.deliveries import Delivery, Run, read_delivery
from orchestration.loader.file_names import shown
from orchestration.loader.units import Unit

_log = logging.getLogger(__name__)

_READERS = 2
# Keeps the readers busy while many small files are stored, and little of it in memory.
_AHEAD_BYTES = 64_000_000
_LARGE_BYTES = 50_000_000


def read_ahead(run: Run, units: Iterable[Unit], unfinished: Set[str]) -> Iterator[Unit]:
    """The units in their order, their files read already where they are likely to be loaded.

    `unfinished` names files that may still be written to. Until a unit is given out, its deliveries
    belong to the readers. Reading ahead settles nothing: a file for which it fails comes unread,
    and is read again where its outcome is told.
    """
    upcoming, begun = deque(units), deque()
    readers = ThreadPoolExecutor(_READERS, thread_name_prefix="reader")
    try:
        while upcoming or begun:
            while upcoming and (len(begun) < 2 or _size(unit for unit, _ in begun) < _AHEAD_BYTES):
                unit = upcoming.popleft()
                is_due = _is_complete(run, unit) and unfinished.isdisjoint(unit.deliveries)
                files = unit.deliveries.values() if is_due else ()
                for delivery in files:
                    if delivery.landed.size_bytes >= _LARGE_BYTES:
                        megabytes = delivery.landed.size_bytes / 1e6
                        run.report(f"Reading {shown(delivery.name.name)} ({megabytes:,.0f} MB).")
                begun.append((unit, [readers.submit(_read, run, one) for one in files]))
            unit, reading = begun.popleft()
            wait(reading)
            yield unit
    finally:
        readers.shutdown(cancel_futures=True)


def _is_complete(run: Run, unit: Unit) -> bool:
    """Whether no trigger waits: a batch that does would be read in vain at every load."""
    return all(
        one.trigger.ready
        and all(name in unit.deliveries or run.ledger.newest(name) for name in one.trigger.names)
        for one in unit.announced
    )


def _read(run: Run, delivery: Delivery) -> None:
    try:
        with run.connection.cursor() as reader:
            is_duplicate = reader.execute(
                "from bronze.files where sha256 = ? and feed = ? and status = 'loaded' limit 1",
                [delivery.seen.sha256, delivery.name.feed],
            ).fetchone()
        if not is_duplicate:
            read_delivery(run, delivery)
    except Exception:
        _log.debug("%s is not read ahead", shown(delivery.name.name), exc_info=True)


def _size(units: Iterable[Unit]) -> int:
    return sum(one.landed.size_bytes for unit in units for one in unit.deliveries.values())
