"""dbt's events, of which only those are told that somebody hears.

Belongs here: which events are left out. Does not: what is made of them (`dbt_assets.py`).

dbt tells of each statement, commit and step, and writes each of them out for every log before the
log's level leaves it out: a tenth of the time of a small run.
"""

from collections.abc import Collection
from typing import Any

from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.event_manager import EventManager

_DETAILS = (EventLevel.DEBUG, EventLevel.TEST)


class HeardEvents(EventManager):
    """dbt's event manager, without the events for debugging that no log keeps.

    `names` are those of events that a callback hears all the same.
    """

    def __init__(self, names: Collection[str]) -> None:
        super().__init__()
        self._names = names

    def fire_event(
        self, e: BaseEvent, level: EventLevel | None = None, *arguments: Any, **options: Any
    ) -> None:
        """Tell of an event; the parameters are those of dbt's own."""
        level = level or e.level_tag()
        if (
            level not in _DETAILS
            or type(e).__name__ in self._names
            or any(logger.level in _DETAILS for logger in self.loggers)
        ):
            super().fire_event(e, level, *arguments, **options)
