"""The platform, running for good: code location, web server and daemon, as one.

Belongs here: starting these processes, ending all when one ends or a signal comes. Does not: what
they run (`definitions.py`), where they store it (`instance.py`).
"""

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.contracts import load_contracts
from orchestration.instance import dagster_home, open_instance
from orchestration.reload import LOCATION, ProjectWatch
from orchestration.settings import ConfigurationError, Settings

_MODULE = "orchestration.definitions"
_LOOK_SECONDS = 0.5
# A code location imports dbt and reads its manifest before it answers.
_FIRST_ANSWER_SECONDS = 120
_GRACE_SECONDS = 20
_PR_SET_PDEATHSIG = 1


def up(settings: Settings, host: str, port: int, report: Callable[[str], None]) -> int:
    """Run everything until a signal comes (returns 0) or one of the processes ends (returns 1).

    The UI listens on `host` and `port`. What the processes print goes to our own output; `report`
    gets lines for a person. Raises ConfigurationError when the contracts are wrong, or another
    `up` runs with the same DAGSTER_HOME.
    """
    load_contracts(settings.contracts_file)
    home = dagster_home(settings)
    with _only_one(home) as lock, _told_to_end() as is_told:
        # Dagster's tables are made before several processes would make them at once.
        with open_instance(settings):
            pass
        environment = {
            **os.environ,
            "DAGSTER_HOME": str(home),
            "DATA_DIR": str(settings.data_dir),
            "PYTHONUNBUFFERED": "1",
        }
        children: dict[str, subprocess.Popen] = {}

        def start(*command: str) -> subprocess.Popen:
            return subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=settings.project_dir,
                env=environment,
                # A group of its own: Ctrl-C reaches us alone, and we end them in their order.
                start_new_session=True,
                # The lock is held until the last of them is gone.
                pass_fds=[lock],
                preexec_fn=_end_with_parent,
            )

        def has_ended() -> bool:
            return is_told() or any(child.poll() is not None for child in children.values())

        local = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)
        watch = ProjectWatch(settings, lambda: start("orchestration.reload", local, str(port)))
        try:
            port_of_code = free_port()
            workspace = _write_workspace(home, port_of_code)
            code = ["-m", _MODULE, "-d", str(settings.project_dir), "-p", str(port_of_code)]
            server = ["dagster", "code-server", "start", "-h", "127.0.0.1", *code]
            children["code location"] = start(*server)
            if _answers(port_of_code, has_ended):
                at = ["-h", host, "-p", str(port), "-w", str(workspace)]
                children["web server"] = start("dagster_webserver", *at)
                children["daemon"] = start("dagster._daemon", "run", "-w", str(workspace))
                report(
                    f"Files dropped into {settings.landing} are loaded by themselves. UI:"
                    f" http://{host}:{port} Logs: below. End: Ctrl-C."
                )
            while not has_ended():
                watch.look()
                time.sleep(_LOOK_SECONDS)
            if is_told():
                report("Ending. A run that is under way is continued by the next one.")
                return 0
            name = next(name for name, child in children.items() if child.returncode is not None)
            report(f"The {name} ended with code {children[name].returncode}; ending the others.")
            return 1
        finally:
            watch.end()
            _end(list(reversed(children.values())))


@contextmanager
def _only_one(home: Path) -> Iterator[int]:
    """The lock that two daemons of one home would fight over; its file descriptor."""
    with (home / "up.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(
                f"It runs already with DAGSTER_HOME {home}. End that first, or see its UI."
            ) from None
        yield file.fileno()


@contextmanager
def _told_to_end() -> Iterator[Callable[[], bool]]:
    """Whether SIGINT or SIGTERM came. Asked, as what is raised gets lost in hooks around a fork."""
    told: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: told.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield lambda: bool(told)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _write_workspace(home: Path, port: int) -> Path:
    path = home / "workspace.yaml"
    path.write_text(
        "load_from:\n"
        f"  - grpc_server: {{host: 127.0.0.1, port: {port}, location_name: {LOCATION}}}\n",
        encoding="utf-8",
    )
    return path


def _answers(port: int, has_ended: Callable[[], bool]) -> bool:
    """Wait until the code location answers; False when it, or we, ended before."""
    give_up_at = time.monotonic() + _FIRST_ANSWER_SECONDS
    while not has_ended():
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        except OSError:
            time.sleep(_LOOK_SECONDS)
        if time.monotonic() > give_up_at:
            raise ConfigurationError(
                f"The code location did not answer in {_FIRST_ANSWER_SECONDS} seconds."
            )
    return False


def _end_with_parent() -> None:
    """In the child: be told to end when the parent is gone, however it went (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(children: list[subprocess.Popen]) -> None:
    """Tell all to end; after a while, end them and the runs they started."""
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
    give_up_at = time.monotonic() + _GRACE_SECONDS
    for child in children:
        try:
            child.wait(max(0.1, give_up_at - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
