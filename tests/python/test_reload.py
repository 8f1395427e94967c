"""A project that changes while the platform runs: when it is read anew, and when it is not."""

import subprocess
import sys
from pathlib import Path

import pytest
from warehouse import Warehouse

from orchestration import reload
from orchestration.reload import ProjectWatch, read_anew
from orchestration.up import free_port


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse.with_own_project(tmp_path)


def test_a_change_counts_once_it_is_the_same_at_two_looks(warehouse, monkeypatch):
    monkeypatch.setattr(reload, "_LOOK_SECONDS", 0)
    seed = warehouse.settings.project_dir / "seeds/genders.csv"
    started: list[subprocess.Popen] = []

    def start() -> subprocess.Popen:
        # It lasts until somebody closes its input.
        command = [sys.executable, "-c", "input()"]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL))
        return started[-1]

    watch = ProjectWatch(warehouse.settings, start)

    def looks(count: int) -> int:
        for _ in range(count):
            watch.look()
        return len(started)

    assert looks(2) == 0
    for line in ("x,other\n", "y,other\n"):
        with seed.open("a") as file:
            file.write(line)
        assert looks(1) == 0
    assert looks(2) == 1
    with seed.open("a") as file:
        file.write("z,other\n")
    assert looks(3) == 1
    started[0].communicate()
    assert looks(3) == 2
    watch.end()
    assert started[1].returncode is not None


def test_what_does_not_load_is_told_and_left(warehouse):
    said: list[str] = []
    warehouse.edit("models/bronze/_bronze__sources.yml", "format: ndjson", "format: parquet")
    assert not read_anew(warehouse.settings, "127.0.0.1", free_port(), said.append)
    (line,) = said
    assert "cannot be used as it is; runs will fail." in line
    assert "format is 'parquet'; it must be one of csv, json, ndjson." in line
