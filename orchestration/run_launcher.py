"""Starts the runs that the daemon asks for, each as a fork of a process that has all imports done.

Belongs here: the process of a run: its start, its end, whether it lives. Does not: what a run does
(`automation.py`).

Dagster's own launcher starts a new Python for every run; importing Dagster and dbt then takes
longer than loading a file. Here Python's own fork server imports them once. A fork runs the very
command that Dagster's launchers for containers give to theirs.
"""

import multiprocessing
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from dagster import DagsterRun
from dagster._core.launcher.base import (
    CheckRunHealthResult,
    LaunchRunContext,
    RunLauncher,
    WorkerStatus,
)
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClass, ConfigurableClassData

from orchestration.settings import PROJECT_DIR

_PROCESS = "orderhouse/process"


class WarmRunLauncher(RunLauncher, ConfigurableClass):
    """Named in dagster.yaml. The run's tag `orderhouse/process` says which process works on it."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        self._code_of_server: dict[str, float] = {}
        super().__init__()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "WarmRunLauncher":
        return cls(inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        run = context.dagster_run
        command = ExecuteRunArgs(
            job_origin=context.job_code_origin,
            run_id=run.run_id,
            instance_ref=self._instance.get_ref(),
        ).get_command_args()
        process = self._processes().Process(target=_execute, args=(command[-3:],))
        process.start()
        self._instance.add_run_tags(run.run_id, {_PROCESS: _identity(process.pid)})

    def _processes(self) -> Any:
        """Forks of a server that imported our modules; new processes once their files changed."""
        code = {str(p): p.stat().st_mtime for p in (PROJECT_DIR / "orchestration").rglob("*.py")}
        if not self._code_of_server:
            self._code_of_server = code
        if code != self._code_of_server:
            return multiprocessing.get_context("spawn")
        forks = multiprocessing.get_context("forkserver")
        forks.set_forkserver_preload(["orchestration.warm"])
        return forks

    def terminate(self, run_id: str) -> bool:
        run = self._instance.get_run_by_id(run_id)
        if not run or run.is_finished or not _is_alive(run):
            return False
        self._instance.report_run_canceling(run)
        with suppress(ProcessLookupError):
            os.kill(int(run.tags[_PROCESS].split()[0]), signal.SIGINT)
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        if _is_alive(run):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(
            WorkerStatus.FAILED, f"Its process ({run.tags.get(_PROCESS)}) is gone: it was killed."
        )


def tags_of_this_process() -> dict[str, str]:
    """Tags of a run that this process works on: once it is gone, the run is known to be dead."""
    return {_PROCESS: _identity(os.getpid())}


def _execute(arguments: list[str]) -> None:
    from dagster._cli import create_dagster_cli

    create_dagster_cli()(arguments)


def _identity(pid: int | None) -> str:
    """`<process id> <its start, in clock ticks since boot>`: an id alone is given again."""
    return f"{pid} {_fields(pid)[19]}"


def _fields(pid: int | str | None) -> list[str]:
    """What the system says of a process behind its name, which may hold spaces. See proc(5)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _is_alive(run: DagsterRun) -> bool:
    """Whether its process is there, and no mere entry of one that ended (state Z)."""
    pid = run.tags.get(_PROCESS, "").partition(" ")[0]
    try:
        return (
            bool(pid) and _identity(int(pid)) == run.tags[_PROCESS] and _fields(int(pid))[0] != "Z"
        )
    except (FileNotFoundError, ProcessLookupError):
        return False
