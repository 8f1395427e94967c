"""Runs in forks of a warm process: they end, they can be stopped, and a killed one is noticed."""

import multiprocessing
import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.reconstruct import ReconstructableJob
from dagster._core.launcher.base import LaunchRunContext, WorkerStatus
from dagster._core.test_utils import instance_for_test

from orchestration.run_launcher import WarmRunLauncher, _identity

_LAUNCHER = {"module": WarmRunLauncher.__module__, "class": WarmRunLauncher.__name__}
_PATIENCE_SECONDS = 60


@dg.op(config_schema={"mark": str, "seconds": float})
def write_process(context):
    Path(context.op_config["mark"]).write_text(str(os.getppid()))
    time.sleep(context.op_config["seconds"])


@dg.job(executor_def=dg.in_process_executor)
def writing():
    write_process()


@dg.job
def resting():
    pass


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("launcher"))
    with instance_for_test({"run_launcher": _LAUNCHER}, temp_dir=folder) as instance:
        yield instance


@contextmanager
def launched(instance, mark: Path, seconds: float):
    """A run that writes the process it was forked from to `mark`, then sleeps."""
    run = instance.create_run_for_job(
        writing,
        run_config={"ops": {"write_process": {"config": {"mark": str(mark), "seconds": seconds}}}},
        job_code_origin=ReconstructableJob.for_file(__file__, "writing").get_python_origin(),
    )
    instance.run_launcher.launch_run(LaunchRunContext(run, workspace=None))
    until(mark.exists)
    yield run.run_id


def until(condition) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "It did not happen."
        time.sleep(0.05)


def health(instance, run_id: str) -> WorkerStatus:
    return instance.run_launcher.check_run_worker_health(instance.get_run_by_id(run_id)).status


def test_runs_are_forks_of_one_process(instance, tmp_path):
    for name in ("first", "second"):
        with launched(instance, tmp_path / name, 0) as run_id:
            until(lambda run_id=run_id: instance.get_run_by_id(run_id).is_finished)
            assert instance.get_run_by_id(run_id).status == dg.DagsterRunStatus.SUCCESS
            until(lambda run_id=run_id: health(instance, run_id) == WorkerStatus.FAILED)

    servers = {(tmp_path / name).read_text() for name in ("first", "second")}
    (server,) = servers
    assert server != str(os.getpid())
    # A fork would not have them.
    assert len(list(Path(f"/proc/{server}/task").iterdir())) == 1, "The server runs threads."


def test_a_run_is_stopped_when_asked(instance, tmp_path):
    with launched(instance, tmp_path / "mark", 60) as run_id:
        assert health(instance, run_id) == WorkerStatus.RUNNING
        assert instance.run_launcher.terminate(run_id)
        until(lambda: instance.get_run_by_id(run_id).status == dg.DagsterRunStatus.CANCELED)
        assert not instance.run_launcher.terminate(run_id)


def test_a_killed_run_is_noticed(instance, tmp_path):
    with launched(instance, tmp_path / "mark", 60) as run_id:
        process = int(instance.get_run_by_id(run_id).tags["orderhouse/process"].split()[0])
        os.kill(process, signal.SIGKILL)
        until(lambda: health(instance, run_id) == WorkerStatus.FAILED)
        assert not instance.run_launcher.terminate(run_id)


def test_a_process_that_ended_and_is_not_cleared_away_is_gone(instance):
    process = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    process.start()
    run = instance.create_run_for_job(resting, tags={"orderhouse/process": _identity(process.pid)})
    assert health(instance, run.run_id) == WorkerStatus.RUNNING
    os.kill(process.pid, signal.SIGKILL)
    # Nobody waits for it: the system keeps its entry.
    until(lambda: health(instance, run.run_id) == WorkerStatus.FAILED)
    assert Path(f"/proc/{process.pid}/stat").exists()
    process.join()
