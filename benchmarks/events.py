"""`make bench-events`: from a file in landing to published gold, with the platform up.

Belongs here: the whole measurement of events and its page. Does not: loads of many files
(`bench.py`).
"""

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import click

from orchestration.settings import PROJECT_DIR, Settings

_DOCUMENT = PROJECT_DIR / "docs" / "performance-events.md"
_START = date(2025, 1, 6)
_HISTORY_DAYS = 7
# A day's orders come before what belongs to them, as they do in a shop.
_EVENTS = (("orders", "order_items"), ("shipments",), ("payments",), ("inventory",), ("customers",))
_PARENTS = ("customers", "addresses", "products")
_SETTLE_SECONDS = 1
_PATIENCE_SECONDS = 300
_LIMIT = 1.5


@dataclass(frozen=True)
class Event:
    """Seconds of one event: `to_gold` with the platform, `warm` in dbt alone on a like file.

    Of `to_gold`, `asked` went by before the sensor asked for a run, `started` before it began.
    """

    feeds: tuple[str, ...]
    nodes: int
    to_gold: float
    asked: float
    started: float
    warm: float

    def share(self, interval: int) -> float:
        """Of what is allowed: 1 is the bar."""
        return self.to_gold / (_LIMIT * self.warm + interval)


def measure(settings: Settings, made: Path, interval: int, repeats: int) -> list[Event]:
    """Every kind of event, `repeats` times; files of one more day each time, in `made`."""
    days = [_START + timedelta(days=_HISTORY_DAYS + number) for number in range(2 * repeats + 1)]
    first = [path for path in made.iterdir() if _day(path) < days[0] or _is_parent(path, days[0])]
    _drop(settings, first)
    _run_once()
    found = []
    with _platform(interval):
        # The first run after the start finds nothing warm.
        _event(settings, _of(made, ("clickstream",), days[0]))
        for day in days[1 : repeats + 1]:
            for feeds in _EVENTS:
                found.append((feeds, *_event(settings, _of(made, feeds, day))))
    alone = [
        (feeds, *_in_dbt_alone(settings, _of(made, feeds, day)))
        for day in days[repeats + 1 :]
        for feeds in _EVENTS
    ]
    return [
        Event(
            feeds,
            max(nodes for kind, nodes, _ in alone if kind == feeds),
            statistics.median(to_gold for kind, to_gold, *_ in found if kind == feeds),
            statistics.median(asked for kind, _, asked, _ in found if kind == feeds),
            statistics.median(started for kind, *_, started in found if kind == feeds),
            statistics.median(seconds for kind, _, seconds in alone if kind == feeds),
        )
        for feeds in _EVENTS
    ]


def _event(settings: Settings, files: list[Path]) -> tuple[float, float, float]:
    """Seconds from the drop to what readers see, to the run's creation and to its start."""
    from orchestration.instance import open_instance
    from orchestration.publish import current_file

    before = current_file(settings).stat().st_ino
    dropped = time.time()
    _drop(settings, files)
    while current_file(settings).stat().st_ino == before:
        if time.time() - dropped > _PATIENCE_SECONDS:
            raise RuntimeError(f"{files[0].name} was not published in {_PATIENCE_SECONDS} seconds.")
        time.sleep(0.02)
    seconds = time.time() - dropped
    with open_instance(settings) as instance:
        while (record := instance.get_run_records(limit=1)[0]).end_time is None:
            time.sleep(0.1)
    # Readers see a version before its run has written down that it is over.
    return seconds, record.create_timestamp.timestamp() - dropped, record.start_time - dropped


def _in_dbt_alone(settings: Settings, files: list[Path]) -> tuple[int, float]:
    """Nodes and seconds of a warm `dbt build` of what the files affect."""
    from orchestration import bronze
    from orchestration.affected import affected_models
    from orchestration.builds import (
        begin_build,
        changed_since_last_build,
        fingerprint,
        finish_build,
        project_fingerprint,
    )
    from orchestration.contracts import load_contracts
    from orchestration.dbt_runner import invoke, prepare_manifest
    from orchestration.loader.load import connect

    manifest = prepare_manifest(settings)
    invoke(settings, ["parse"])
    _drop(settings, files)
    run_id, project = files[0].name, project_fingerprint(settings)
    contracts = load_contracts(settings.contracts_file)
    bronze.load(settings, contracts, run_id, wait_for_settling=True, report=lambda line: None)
    with closing(connect(settings)) as connection:
        begin_build(connection, run_id)
        changed = changed_since_last_build(connection, project, run_id)
    if changed is None:
        raise RuntimeError("The project changed while it was measured.")
    names = ["source:bronze", *affected_models(manifest, changed)]
    command = ["build", "--exclude-resource-type", "unit_test", "--select", *names]
    ended: list[dict] = []
    started = time.perf_counter()
    run = invoke(settings, command, ended.append)
    seconds = time.perf_counter() - started
    if not run.succeeded:
        raise RuntimeError(run.reasons())
    with closing(connect(settings)) as connection:
        print_of_files = fingerprint(connection, project)
        finish_build(
            connection, run_id, "built", build_id=run.invocation_id, fingerprint=print_of_files
        )
    return len(ended), seconds


@contextmanager
def _platform(interval: int) -> Iterator[None]:
    """`make up`, until the block ends."""
    command = [sys.executable, "-m", "orchestration", "up", "--port", "0"]
    environment = {**os.environ, "SENSOR_INTERVAL_SECONDS": str(interval)}
    platform = subprocess.Popen(
        command, cwd=PROJECT_DIR, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        platform.send_signal(signal.SIGINT)
        platform.wait(60)


def _run_once() -> None:
    command = [sys.executable, "-m", "orchestration", "run"]
    done = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)


def _drop(settings: Settings, files: list[Path]) -> None:
    settings.landing.mkdir(parents=True, exist_ok=True)
    for path in files:
        shutil.copy(path, settings.landing)


def _of(made: Path, feeds: tuple[str, ...], day: date) -> list[Path]:
    return [path for feed in feeds for path in made.glob(f"{feed}_{day:%Y_%m_%d}.*")]


def _day(path: Path) -> date:
    return date(*map(int, path.stem.split(".")[0].split("_")[-3:]))


def _is_parent(path: Path, since: date) -> bool:
    """Whether a later day's orders and page views need it to be there."""
    is_measured = _EVENTS[-1][0] in path.name
    return _day(path) >= since and path.name.startswith(_PARENTS) and not is_measured


def render(events: list[Event], interval: int, orders: int) -> str:
    """The page, as Markdown."""
    rows = [
        f"| {', '.join(event.feeds)} | {event.nodes} | {event.asked:.1f} | {event.started:.1f}"
        f" | {event.to_gold:.1f} | {event.warm:.1f} | {event.share(interval):.2f} |"
        for event in events
    ]
    return "\n".join(
        [
            "# Performance of events",
            "",
            f"Written by `make bench-events ARGS=--write-docs`: a shop of {orders:,} orders a day,"
            f" the platform up (`make up`), the sensor looks every {interval} seconds, files settle"
            f" for {_SETTLE_SECONDS}. Medians, in seconds; load average"
            f" {os.getloadavg()[0]:.1f} at the end. Ratios travel to another machine.",
            "",
            f"The bar: from a file's drop to published gold, at most {_LIMIT} times a warm"
            " `dbt build` of the same models and tests on a like file, plus the interval. The last"
            " column is the share of that; 1.00 is the bar.",
            "",
            "| files of | models and tests | run asked for | run begins | gold is published |"
            " warm `dbt build` | of what is allowed |",
            "|---|---:|---:|---:|---:|---:|---:|",
            *rows,
            "",
            "All but the warm `dbt build` are counted from the drop. That is one in a process that"
            " has imported dbt and read the project.",
            "",
        ]
    )


@click.command(context_settings={"show_default": True})
@click.option("--orders", type=click.IntRange(10), default=300, help="Orders per day.")
@click.option("--interval", type=click.IntRange(5), default=5, help="Of the sensor, in seconds.")
@click.option("--repeats", type=click.IntRange(1), default=3, help="Of each kind of event.")
@click.option("--write-docs", is_flag=True, help=f"Write {_DOCUMENT.name} as well.")
def main(orders: int, interval: int, repeats: int, write_docs: bool) -> None:
    """Measure how long a file takes from landing to published gold."""
    from orchestration.demo import generate

    with tempfile.TemporaryDirectory(prefix="orderhouse_events_") as name:
        folder = Path(name)
        os.environ |= {
            "DATA_DIR": str(folder / "data"),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
            "DAGSTER_HOME": str(folder / "dagster"),
            "SETTLE_SECONDS": str(_SETTLE_SECONDS),
        }
        days = _HISTORY_DAYS + 2 * repeats + 1
        generate(folder / "made", days=days, orders=days * orders, start=_START)
        page = render(
            measure(Settings.from_env(), folder / "made", interval, repeats), interval, orders
        )
    click.echo(page)
    if write_docs:
        _DOCUMENT.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
