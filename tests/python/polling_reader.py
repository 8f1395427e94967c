"""A reader in a process of its own, as a tool would be one: every 10 ms it opens, asks and closes.

Belongs here: starting it, ending it, what it saw. Does not: what it asks, and what must hold.
"""

import signal
import subprocess
import sys
from pathlib import Path

_LOOP = """
import signal, sys, time, duckdb
looks, go_on = 0, True
def stop(*_):
    global go_on
    go_on = False
signal.signal(signal.SIGTERM, stop)
print("looking", flush=True)
while go_on:
    with duckdb.connect(sys.argv[1], read_only=True) as reader:
        look(reader)
    looks += 1
    time.sleep(0.01)
print(looks, *sorted(seen))
"""


class PollingReader:
    """Looks at `file` until it is told to end; the first look that fails ends it, too.

    `look` is Python: a collection `seen` of numbers, and a function `look(reader)`, a DuckDB
    connection, that adds to it and asserts.
    """

    def __init__(self, file: Path, look: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", look + _LOOP, str(file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout.readline() == "looking\n", self._process.communicate()[1]

    def end(self) -> tuple[int, list[int]]:
        """How often it looked, and what it saw, in order. Fails with what a look complained of."""
        self._process.send_signal(signal.SIGTERM)
        said, complaint = self._process.communicate(timeout=600)
        assert self._process.returncode == 0, complaint
        looks, *seen = map(int, said.split())
        return looks, seen
