"""A project that changes while the platform runs: its sensors and the UI get to know it.

Belongs here: noticing a change, trying it, having the code location read anew. Does not: runs,
which read the project themselves; starting the platform (`up.py`).
"""

import subprocess
import sys
import time
from collections.abc import Callable

from orchestration.builds import project_fingerprint
from orchestration.settings import ConfigurationError, Settings

LOCATION = "orderhouse"
_LOOK_SECONDS = 5.0
_REASON_CHARACTERS = 300


class ProjectWatch:
    """Has `read_anew` started in a process of its own when the project is another one than before.

    `start` starts that process. A change counts when it is the same at two looks: whoever edits a
    few files is not done with the first.
    """

    def __init__(self, settings: Settings, start: Callable[[], subprocess.Popen]) -> None:
        self._settings = settings
        self._start = start
        self._known = self._seen = project_fingerprint(settings)
        self._looked_at = time.monotonic()
        self._process: subprocess.Popen | None = None

    def look(self) -> None:
        """To be called often; it looks every few seconds."""
        if time.monotonic() - self._looked_at < _LOOK_SECONDS:
            return
        if self._process is not None and self._process.poll() is None:
            return
        self._looked_at = time.monotonic()
        try:
            before, self._seen = self._seen, project_fingerprint(self._settings)
        except OSError:
            # A file that is being replaced: the next look sees what became of it.
            return
        if self._seen != self._known and self._seen == before:
            self._known = self._seen
            self._process = self._start()

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def read_anew(settings: Settings, host: str, port: int, report: Callable[[str], None]) -> bool:
    """Have the code location behind the UI at `host` and `port` read the project; whether it did.

    A project that does not load is told, and what was read before stays: without sensors nothing
    would load, and nobody would be told.
    """
    # `up`, which watches, needs none of this.
    from dagster_graphql import (
        DagsterGraphQLClient,
        DagsterGraphQLClientError,
        ReloadRepositoryLocationStatus,
    )

    from orchestration.definitions import build_definitions

    try:
        build_definitions(settings, report)
    except ConfigurationError as error:
        report(f"The project has changed and cannot be used as it is; runs will fail. {error}")
        return False
    try:
        answer = DagsterGraphQLClient(host, port).reload_repository_location(LOCATION)
        problem = answer.message
        if answer.status is ReloadRepositoryLocationStatus.SUCCESS:
            report("The project has changed: sensors and UI know it now.")
            return True
    except DagsterGraphQLClientError as error:
        problem = error.__cause__ or error
    reason = " ".join(str(problem).split())[:_REASON_CHARACTERS]
    report(f"The project has changed, but sensors and UI do not know: start make up anew. {reason}")
    return False


if __name__ == "__main__":
    read_anew(Settings.from_env(), sys.argv[1], int(sys.argv[2]), print)
