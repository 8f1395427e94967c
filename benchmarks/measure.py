"""One measurement, in a process of its own: `python -m benchmarks.measure <spec> <result>`.

Belongs here: running the job or the hand-written script once, its time by phase, its peak memory.
Does not: what is measured in which order (`bench.py`).

A process of its own gives each measurement its own peak. What a process pays once is over before
the clock starts: imports, and dbt's parsing of the project, whose seconds are given apart.
"""

import json
import re
import resource
import sys
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.deliveries import files_per_feed
from orchestration.settings import Settings

PHASES = ("loader", "models", "tests", "dbt", "publish", "rest")
_SLOWEST = 15


@dataclass(frozen=True)
class Measured:
    """What one measurement gave. Times in seconds, sizes in bytes.

    `phases` add up to `seconds`; `processor` is the time that all threads together were running,
    which other work on the machine lengthens less. `parse` is what dbt took to parse the project
    before the clock started, `nodes` how many models, seeds, snapshots and tests dbt ran, `slowest`
    the seconds of the slowest, `peak` the largest resident size of the process, `at_start` that
    before the clock started.
    """

    seconds: float
    processor: float
    peak: int
    at_start: int
    parse: float = 0.0
    rows: int = 0
    nodes: int = 0
    published: int = 0
    quarantined: int = 0
    phases: dict[str, float] = field(default_factory=dict)
    slowest: dict[str, float] = field(default_factory=dict)


def measure_job(settings: Settings, expected: str, let_pass: bool) -> Measured:
    """Run the job once on what lies in landing: what `make run` does, in a warm process.

    `let_pass` is its option, for a day that is far off the history before it.
    Raises RuntimeError when it does not end as `expected` (`published`, `unchanged`), or a file
    was not loaded.
    """
    import dagster as dg

    import orchestration.definitions  # noqa: F401  what the job imports is imported before
    from orchestration.dbt_runner import invoke, prepare_manifest, target_dir
    from orchestration.instance import dagster_home
    from orchestration.publish import current_file
    from orchestration.run import run
    from orchestration.warehouse import open_warehouse

    started = time.perf_counter()
    prepare_manifest(settings)
    parsed = invoke(settings, ["parse"])
    parse = time.perf_counter() - started
    if not parsed.succeeded:
        raise RuntimeError(parsed.reasons())
    results_file = target_dir(settings) / "run_results.json"
    results_file.unlink(missing_ok=True)

    at_start, started, ran = peak_memory(), time.perf_counter(), time.process_time()
    outcome = run(settings, report=lambda line: None, let_pass=let_pass)
    seconds, processor = time.perf_counter() - started, time.process_time() - ran
    peak = peak_memory()

    refused = [file["file_name"] for file in outcome.files if file["status"] != "loaded"]
    if outcome.status != expected or refused:
        raise RuntimeError(
            f"The job ended {outcome.status}, not {expected}: {outcome.error}"
            f" Not loaded: {', '.join(refused) or 'none'}."
        )
    phases, results = dict.fromkeys(PHASES, 0.0), []
    if outcome.run_id:
        with dg.DagsterInstance.from_config(str(dagster_home(settings))) as instance:
            steps = {
                step.step_key: step.end_time - step.start_time
                for step in instance.get_run_step_stats(outcome.run_id)
            }
        phases |= {"loader": steps["bronze"], "publish": steps["published"]}
    if results_file.exists():
        document = json.loads(results_file.read_text(encoding="utf-8"))
        results = document["results"]
        phases |= phases_of_dbt(document["metadata"], results)
    phases["rest"] = seconds - sum(phases.values())
    with closing(open_warehouse(settings, read_only=True)) as connection:
        (quarantined,) = connection.execute("select count(*) from silver.quarantine").fetchone()
    results.sort(key=lambda result: -result["execution_time"])
    return Measured(
        seconds=seconds,
        processor=processor,
        peak=peak,
        at_start=at_start,
        parse=parse,
        rows=sum(file["rows_loaded"] for file in outcome.files),
        nodes=len(results),
        published=current_file(settings).stat().st_size,
        quarantined=quarantined,
        phases=phases,
        slowest={
            result["unique_id"].split(".", 2)[2]: result["execution_time"]
            for result in results[:_SLOWEST]
        },
    )


def measure_by_hand(
    settings: Settings, folders: Iterable[Path], target: Path, key: str
) -> Measured:
    """Run the hand-written script once over the files in `folders`, into the file `target`."""
    from benchmarks.handwritten import build_by_hand

    files = files_per_feed(*folders)
    at_start, started, ran = peak_memory(), time.perf_counter(), time.process_time()
    build_by_hand(files, target, settings, key)
    return Measured(
        seconds=time.perf_counter() - started,
        processor=time.process_time() - ran,
        peak=peak_memory(),
        at_start=at_start,
    )


def peak_memory() -> int:
    """The largest resident size that this process has had, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: its figure begins with that of the process that started this one.
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def phases_of_dbt(metadata: dict[str, Any], results: list[dict[str, Any]]) -> dict[str, float]:
    """Split dbt's wall time (s): an instant belongs in equal shares to the nodes that run at it.

    `metadata` and `results` are those of a run_results.json (dbt's schema run-results v6). dbt runs
    tests and models side by side, so that neither has a wall time of its own. Instants at which no
    node runs, from dbt's start to its results, are dbt's own.
    """
    begin = _instant(metadata["invocation_started_at"])
    end = _instant(metadata["generated_at"])
    moments = []
    for result in results:
        times = [
            _instant(timing[at])
            for timing in result["timing"]
            for at in ("started_at", "completed_at")
        ]
        if times:
            phase = "tests" if result["unique_id"].startswith("test.") else "models"
            moments += [(min(times), 1, phase), (max(times), -1, phase)]
    seconds = {"models": 0.0, "tests": 0.0, "dbt": 0.0}
    running = {"models": 0, "tests": 0}
    before = begin
    for moment, change, phase in [*sorted(moments), (end, 0, "models")]:
        all_running = sum(running.values())
        if all_running == 0:
            seconds["dbt"] += moment - before
        else:
            for name, count in running.items():
                seconds[name] += (moment - before) * count / all_running
        running[phase] += change
        before = moment
    return seconds


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def main() -> None:
    """Read what to measure from a JSON file, write what it gave to another."""
    spec = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    settings = Settings.from_env()
    if spec["kind"] == "job":
        measured = measure_job(settings, spec["expected"], spec["let_pass"])
    else:
        folders = [Path(folder) for folder in spec["folders"]]
        measured = measure_by_hand(settings, folders, Path(spec["target"]), spec["key"])
    Path(sys.argv[2]).write_text(json.dumps(asdict(measured)), encoding="utf-8")


if __name__ == "__main__":
    main()
