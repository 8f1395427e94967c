"""`make up`, really started, on folders of its own; and a real PostgreSQL.

Belongs here: starting and ending these processes, asking Dagster's store what happened. Does not:
assertions.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import dagster as dg
from programs import go_without
from warehouse import environment

from orchestration.instance import POSTGRES_VARIABLE, dagster_home, open_instance
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.up import free_port

INTERVAL_SECONDS = 5
_PATIENCE_SECONDS = 300


class Platform:
    """One DATA_DIR and DAGSTER_HOME, and what runs on them: the project, or a copy of it."""

    def __init__(self, folder: Path, project: Path = PROJECT_DIR) -> None:
        self.project = project
        self.settings = Settings(folder / "data", settle_seconds=2)
        self.settings.landing.mkdir(parents=True)
        self.log = folder / "up.log"
        self.variables = {
            "DATA_DIR": str(self.settings.data_dir),
            "DAGSTER_HOME": str(folder / "dagster"),
            "SENSOR_INTERVAL_SECONDS": str(INTERVAL_SECONDS),
            "SETTLE_SECONDS": "2",
            "RETRY_PAUSE_SECONDS": "1",
            # Not while somebody tests at 02:30: runs are counted.
            "NIGHTLY_CRON": "0 0 29 2 *",
        }
        with environment(**self.variables):
            self.home = dagster_home(self.settings)
        # Its own from now on: a process that is gone is noticed sooner than in earnest.
        file = self.home / "dagster.yaml"
        text = file.read_text().partition("\n")[2]
        file.write_text(text.replace("poll_interval_seconds: 30", "poll_interval_seconds: 2"))

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "orchestration", *arguments]

    @contextmanager
    def up(self) -> Iterator[subprocess.Popen]:
        """`up` on a port that is free, until the block ends."""
        with self.log.open("a") as log:
            process = subprocess.Popen(
                self.command("up", "--port", str(free_port())),
                cwd=self.project,
                env={**os.environ, **self.variables},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.process = process
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(60)

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        with environment(**self.variables), open_instance(self.settings) as instance:
            yield instance

    def skips(self, instance: dg.DagsterInstance) -> list[str]:
        """Why the sensor over landing did not ask for a run, newest first."""
        return [
            tick.skip_reason
            for state in instance.all_instigator_state()
            if state.instigator_name == "landing"
            for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id)
            if tick.skip_reason
        ]

    def until(self, happened: Callable[[], Any]) -> Any:
        """Wait for something to be true; AssertionError, with the log, when it never is."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < end:
            if found := happened():
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.2)
        raise AssertionError(f"It did not happen.\n{self.log.read_text()[-4000:]}")


@contextmanager
def slow_writer(path: Path, line: str) -> Iterator[None]:
    """Somebody who writes a line of a file every half second and does not come to an end."""
    ended = threading.Event()

    def write() -> None:
        with path.open("a", encoding="utf-8") as file:
            while not ended.wait(0.5):
                file.write(line)
                file.flush()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def children_of(process: int) -> dict[int, str]:
    """Process id → command line, of the processes that a process started."""
    found = {}
    with suppress(FileNotFoundError):
        for task in Path(f"/proc/{process}/task").iterdir():
            for child in (task / "children").read_text().split():
                command = Path(f"/proc/{child}/cmdline").read_bytes()
                found[int(child)] = command.replace(b"\0", b" ").decode()
    return found


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL of its own on a socket; its URL.

    PostgreSQL does not run as root, so that root starts it as the user `postgres`.
    """
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    found = shutil.which("pg_ctl", path=os.pathsep.join([*map(str, programs), os.environ["PATH"]]))
    if found is None:
        go_without("PostgreSQL")
    folder = Path(tempfile.mkdtemp(prefix="orderhouse_pg_"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]

    def pg_ctl(*arguments: str) -> None:
        command = [*as_user, found, "-s", "-w", "-D", str(folder / "data"), *arguments]
        subprocess.run(command, check=True, cwd="/", stdin=subprocess.DEVNULL)

    try:
        pg_ctl("initdb", "-o", "--auth=trust --username=orderhouse --no-sync")
        log, sockets = str(folder / "log"), f"-k {folder} -c listen_addresses= -c fsync=off"
        pg_ctl("start", "-l", log, "-o", sockets)
        try:
            yield f"postgresql://orderhouse@/postgres?host={folder}"
        finally:
            pg_ctl("stop", "-m", "immediate")
    finally:
        shutil.rmtree(folder)


def with_postgres(url: str) -> Any:
    return environment(**{POSTGRES_VARIABLE: url})


def kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)
