"""What a failed run says of itself, from its events.

Belongs here: words. Does not: what is done about it (`summary.py`, `alerts.py`).
"""

from collections.abc import Iterable
from typing import Any

from orchestration.settings import ConfigurationError

_WRONG = ConfigurationError.__name__


def error_of(events: Iterable[Any]) -> str | None:
    """What the first failed step said, or what ended the run beside its steps; else None.

    `events` are Dagster's events of a run.
    """
    events = list(events)
    steps = (_error(event) for event in events if event.is_step_failure)
    return next(steps, None) or next(
        (
            f"The run broke off; nothing was published.\n{event.engine_event_data.error.message}"
            for event in events
            if event.is_engine_event and event.engine_event_data.error
        ),
        None,
    )


def _error(event: Any) -> str:
    failure = event.step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description
    cause = failure.error.cause or failure.error
    message = cause.message.strip().removeprefix(f"{ConfigurationError.__module__}.{_WRONG}: ")
    return f"Step {event.step_key} failed; nothing was published.\n{message}"
