"""The working copy: what its writer needs.

Belongs here: the lock that makes a process the only writer, the key file, connections to
`warehouse.duckdb`, what to do when that is lost. Does not: what is written.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TextIO

import duckdb

from orchestration.builds import create_builds
from orchestration.pii_key import (
    KEY_FILE,
    KEY_VARIABLE,
    lost_key,
    make_key_file,
    read_or_make_key,
)
from orchestration.settings import ConfigurationError, Settings, make_private

_CONNECT_ATTEMPTS = 20
_CONNECT_PAUSE_SECONDS = 0.5
# Of a block whose checksum is wrong DuckDB does not say in which file it is.
_DAMAGED_BLOCK = "Corrupt database file"
_DAMAGED = ("not a valid DuckDB database file", "Could not read enough bytes", _DAMAGED_BLOCK)


def lock_file(settings: Settings) -> Path:
    """The file whose lock makes one process the writer; it holds that process's id."""
    return settings.warehouse.parent / "writer.lock"


@contextmanager
def writer_lock(settings: Settings, report: Callable[[str], None]) -> Iterator[None]:
    """Be the only writer of the warehouse; wait, and say so, while another process is.

    The kernel drops the lock when its process ends, however it ends: nothing is left to clean.
    """
    make_private(lock_file(settings).parent)
    with lock_file(settings).open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"Another run ({_holder(file)}) is writing the warehouse; waiting for its end.")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        yield


def current_writer(settings: Settings) -> str | None:
    """Who is writing the warehouse now, as `process <id>`; None when nobody is."""
    with suppress(FileNotFoundError), lock_file(settings).open(encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _holder(file)
    return None


def _holder(file: TextIO) -> str:
    file.seek(0)
    return file.read() or "a process that is just starting"


def open_warehouse(settings: Settings, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection to the warehouse, which is made when missing.

    Tries again for ten seconds while another process holds the file, then raises
    duckdb.IOException, whose message names that process. Raises ConfigurationError when the file is
    damaged.
    """
    make_private(settings.warehouse.parent)
    for attempt in range(1, _CONNECT_ATTEMPTS + 1):
        try:
            connection = duckdb.connect(settings.warehouse, read_only=read_only)
            bound_memory(connection, settings)
            return connection
        except duckdb.Error as error:
            if damage := damage_of(settings, str(error)):
                raise damage from None
            if attempt == _CONNECT_ATTEMPTS or "lock" not in str(error):
                raise
            time.sleep(_CONNECT_PAUSE_SECONDS)
    raise AssertionError("the loop returns or raises")


def damage_of(settings: Settings, message: str) -> ConfigurationError | None:
    """The error to raise when a message of DuckDB or dbt says that the warehouse is damaged.

    Whoever reads another database (`publish.read_published`) says so before.
    """
    for line in message.splitlines():
        if _DAMAGED_BLOCK in line or (settings.warehouse.name in line and is_damage(line)):
            return lost_warehouse(settings, f"is damaged ({line.strip()})")
    return None


def is_damage(message: str) -> bool:
    """Whether a message of DuckDB says that a file is damaged, which does not pass by itself."""
    return any(words in message for words in _DAMAGED)


def lost_warehouse(settings: Settings, how: str) -> ConfigurationError:
    """The error of a warehouse that is not what it was; `how` goes on after its name."""
    return ConfigurationError(
        f"The warehouse {settings.warehouse} {how}. Nothing is loaded or built; readers keep their"
        " version. Restore the file from a backup. Without one, move it away, and what lies in"
        f" {settings.archive} back to {settings.landing}, each file under the name it came by"
        " (….csv.7 as ….csv), and run again; decisions, releases and certificates of erasures are"
        " lost. See docs/runbook.md: The warehouse file is lost or damaged."
    )


def bound_memory(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Keep DuckDB within MEMORY_LIMIT; what does not fit goes to `DATA_DIR/warehouse/spill`."""
    spill = str(settings.spill)
    # DuckDB refuses to set it again once it is in use, by another connection of this process.
    if connection.execute("select current_setting('temp_directory')").fetchall() != [(spill,)]:
        connection.execute("set temp_directory = ?", [spill])
    if settings.memory_limit:
        connection.execute("set memory_limit = ?", [settings.memory_limit])


def make_key(settings: Settings, *, anew: bool = False) -> str | None:
    """Make sure there is a key for keyed hashes; what a person must know of it, while it is new.

    It is new until something was published with it, or when one that was lost is made `anew`.
    Raises ConfigurationError when the key file is there but cannot be used, when it is lost, and
    when there is a key to be made anew.
    """
    key_file = settings.data_dir / KEY_FILE
    if anew and (os.environ.get(KEY_VARIABLE) or key_file.exists()):
        raise ConfigurationError(
            f"--new-key is for a key that is lost; there is one, {key_file} or {KEY_VARIABLE}."
            " Run without it."
        )
    if os.environ.get(KEY_VARIABLE):
        return None
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    if anew:
        make_key_file(settings.data_dir)
    elif not key_file.exists() and _has_published(settings):
        raise lost_key(settings.data_dir)
    else:
        read_or_make_key(settings.data_dir)
    if not anew and (settings.published / "orderhouse.duckdb").exists():
        return None
    return (
        f"A key for the hashes of e-mail addresses was made: {settings.data_dir / KEY_FILE}. Keep a"
        f" copy of it apart from the data, or set {KEY_VARIABLE}; with another key every hash is"
        " another."
    )


def _has_published(settings: Settings) -> bool:
    """Whether the warehouse knows of a published build, also where no published file was kept."""
    if not settings.warehouse.exists():
        return False
    with closing(open_warehouse(settings)) as connection:
        create_builds(connection)
        return bool(
            connection.execute(
                "from audit.builds where published_version is not null limit 1"
            ).fetchone()
        )
