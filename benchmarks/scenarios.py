"""The measurements, in their order.

Belongs here: states of a `DATA_DIR`, repetitions, the check that both sides agree. Does not:
measuring one (`measure.py`), saying what came out (`report.py`).
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.agreement import differences
from benchmarks.deliveries import link_files, make_deliveries
from orchestration.settings import PROJECT_DIR, Settings

_PII_KEY = "the key of all benchmarks"

Result = dict[str, Any]
"""The fields of `measure.Measured`."""


class Disagreement(Exception):
    """Pipeline and hand-written script came to other tables; the message says to which."""


@dataclass(frozen=True)
class Plan:
    """How large a benchmark is, and how often what is cheap is repeated.

    `memory_limit` is what DuckDB may use on both sides (`2GB`; None: its own default).
    """

    orders: int
    days: int
    small_orders: int
    repeats: int
    memory_limit: str | None


class Bench:
    """The folders of one benchmark. All loads use one `DATA_DIR`, so that dbt parses once."""

    def __init__(self, folder: Path, plan: Plan, report: Callable[[str], None]) -> None:
        self._folder, self._plan, self._report = folder, plan, report
        self._settings = Settings(data_dir=folder / "data")
        self._let_pass = False

    def run(self) -> dict[str, list[Result]]:
        """Measure everything: name of a measurement → its repetitions.

        Raises Disagreement when the hand-written script makes other tables than the pipeline,
        RuntimeError when one of them fails.
        """
        plan, measured = self._plan, {}
        self._report(f"Making {plan.orders:,} orders over {plan.days} days, and one day more.")
        made = make_deliveries(
            self._folder / "made",
            orders=plan.orders,
            days=plan.days,
            small_orders=plan.small_orders,
        )
        loaded, small = self._folder / "loaded", self._folder / "small"

        measured["full"] = [self._load("full load", made.history)]
        measured["full_by_hand"] = self._by_hand("full load", made.history)
        measured["idle"] = [self._job("idle run", "unchanged") for _ in range(plan.repeats)]
        shutil.move(self._settings.data_dir, loaded)

        measured["day"] = self._load_again("one more day", loaded, made.next_day)
        measured["day_by_hand"] = self._by_hand("one more day", made.history, made.next_day)
        measured["correction"] = self._load_again("correction", loaded, made.correction)
        measured["correction_by_hand"] = self._by_hand("correction", made.history, made.correction)
        shutil.rmtree(loaded)

        shutil.rmtree(self._settings.data_dir)
        # Of the small history each day holds as little as chance would have it.
        self._let_pass = True
        measured["small"] = [self._load("small history", made.small_history)]
        shutil.move(self._settings.data_dir, small)
        measured["day_on_small"] = self._load_again("same day, small history", small, made.next_day)
        measured["day_on_small_by_hand"] = self._by_hand(
            "same day, small history", made.small_history, made.next_day
        )
        return measured

    def _load(self, name: str, files: Path) -> Result:
        link_files(self._settings.landing, files.iterdir())
        return self._job(name, "published")

    def _load_again(self, name: str, state: Path, files: Path) -> list[Result]:
        """Load the same files into the same state, as often as is asked for."""
        measured = []
        for _ in range(self._plan.repeats):
            shutil.rmtree(self._settings.data_dir, ignore_errors=True)
            _copy_state(state, self._settings.data_dir)
            measured.append(self._load(name, files))
        return measured

    def _job(self, name: str, expected: str) -> Result:
        return self._measure(
            name, {"kind": "job", "expected": expected, "let_pass": self._let_pass}
        )

    def _by_hand(self, name: str, *folders: Path) -> list[Result]:
        """Run the script, and compare its tables with what was published last."""
        target = self._folder / "by_hand.duckdb"
        spec = {
            "kind": "by_hand",
            "folders": [str(folder) for folder in folders],
            "target": str(target),
            "key": _PII_KEY,
        }
        measured = [self._measure(f"{name}, by hand", spec) for _ in range(self._plan.repeats)]
        found = differences(self._settings.published / "orderhouse.duckdb", target)
        if found:
            raise Disagreement(f"{name}: the two sides differ.\n" + "\n".join(found))
        return measured

    def _measure(self, name: str, spec: dict[str, Any]) -> Result:
        asked, answered = self._folder / "spec.json", self._folder / "result.json"
        asked.write_text(json.dumps(spec), encoding="utf-8")
        answered.unlink(missing_ok=True)
        command = [sys.executable, "-m", "benchmarks.measure", str(asked), str(answered)]
        done = subprocess.run(
            command, cwd=PROJECT_DIR, env=self._environment(), capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{name} failed.\n{done.stderr.strip()}")
        result = json.loads(answered.read_text(encoding="utf-8"))
        self._report(f"{name}: {result['seconds']:.2f} s, {result['peak'] / 2**20:,.0f} MB")
        return result

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATA_DIR": str(self._settings.data_dir),
            "DBT_TARGET_PATH": str(self._folder / "target"),
            "DBT_LOG_PATH": str(self._folder / "logs"),
            "DAGSTER_HOME": str(self._folder / "dagster"),
            "DBT_ENV_SECRET_PII_KEY": _PII_KEY,
            "SETTLE_SECONDS": "0",
            "MEMORY_LIMIT": self._plan.memory_limit or "",
        }


def median(results: list[Result]) -> Result:
    """The repetition whose seconds are the (lower) median."""
    middle = statistics.median_low(result["seconds"] for result in results)
    return next(result for result in results if result["seconds"] == middle)


def _copy_state(source: Path, target: Path) -> None:
    """A second `DATA_DIR` like `source`. Files of the archive are never written: links will do."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("archive"))
    shutil.copytree(source / "archive", target / "archive", copy_function=os.link)
