"""What a run does before its first file, done once for many runs: imports, and reading the project.

Belongs here: what the fork server of `run_launcher.py` does before its first fork. It calls nothing
but imports, so that importing this module is what does it. No thread may be left running: a fork
would not have it.
"""

import dagster._cli
import dagster._core.storage.event_log
import dagster._core.storage.runs
import dagster._core.storage.schedules  # noqa: F401

import orchestration.definitions
import orchestration.event_log  # noqa: F401
from orchestration.dbt_runner import warm_up
from orchestration.settings import Settings

warm_up(Settings.from_env())
