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
# People come before their orders, and these before what belongs to them, as they do in a shop.
_EVENTS = (
    ("customers", "addresses"),
    ("orders", "order_items"),
    ("shipments",),
    ("payments",),
    ("inventory",),
)
_STEPS = ("bronze", "dbt_build", "published")
_SETTLE_SECONDS = 1
_PATIENCE_SECONDS = 300
_LIMIT = 1.5


@dataclass(frozen=True)
class Event:
    """Seconds from the drop: until the sensor asked for a run, it began, readers see its gold.

    `steps` are the seconds of each of `_STEPS`, in their order.
    """

    asked: float
    started: float
    to_gold: float
    steps: tuple[float, ...]


@dataclass(frozen=True)
class Kind:
    """Events of the same feeds: medians, and the seconds `warm` of dbt alone on a like file."""

    feeds: tuple[str, ...]
    nodes: int
    event: Event
    warm: float

    def share(self, interval: int) -> float:
        """Of what is allowed: 1 is the bar."""
        return self.event.to_gold / (_LIMIT * self.warm + interval)


def measure(settings: Settings, made: Path, interval: int, repeats: int) -> list[Kind]:
    """Every kind of event, `repeats` times; files of one more day each time, in `made`.

    Platform and dbt alone take turns, as a machine is not equally fast all the time.
    """
    days = [_START + timedelta(days=_HISTORY_DAYS + number) for number in range(2 * repeats + 1)]
    _drop(settings, [path for path in made.iterdir() if _is_history(path, days[0])])
    _run_once()
    events: dict[tuple[str, ...], list[Event]] = {feeds: [] for feeds in _EVENTS}
    alone: dict[tuple[str, ...], list[tuple[int, float]]] = {feeds: [] for feeds in _EVENTS}
    for before, first, second in zip(days[::2], days[1::2], days[2::2], strict=False):
        with _platform(interval) as platform:
            # The first run after the start finds nothing warm: it is a day's page views.
            _event(settings, platform, _of(made, ("clickstream",), before))
            for feeds in _EVENTS:
                events[feeds].append(_event(settings, platform, _of(made, feeds, first)))
        for feeds in _EVENTS:
            alone[feeds].append(_in_dbt_alone(settings, _of(made, feeds, second)))
    return [
        Kind(
            feeds,
            max(nodes for nodes, _ in alone[feeds]),
            _median(events[feeds]),
            statistics.median(seconds for _, seconds in alone[feeds]),
        )
        for feeds in _EVENTS
    ]


def _median(events: list[Event]) -> Event:
    return Event(
        statistics.median(event.asked for event in events),
        statistics.median(event.started for event in events),
        statistics.median(event.to_gold for event in events),
        tuple(statistics.median(step) for step in zip(*(e.steps for e in events), strict=True)),
    )


def _event(settings: Settings, platform: subprocess.Popen, files: list[Path]) -> Event:
    """Files are dropped, and waited for until readers see what became of them."""
    from orchestration.instance import open_instance
    from orchestration.publish import current_file

    before = current_file(settings).stat().st_ino
    dropped = time.time()
    _drop(settings, files)
    while current_file(settings).stat().st_ino == before:
        if platform.poll() is not None:
            raise RuntimeError(f"`make up` ended with {platform.returncode}; it says why above.")
        if time.time() - dropped > _PATIENCE_SECONDS:
            raise RuntimeError(f"{files[0].name} was not published in {_PATIENCE_SECONDS} seconds.")
        time.sleep(0.02)
    seconds = time.time() - dropped
    with open_instance(settings) as instance:
        while (record := instance.get_run_records(limit=1)[0]).end_time is None:
            time.sleep(0.1)
        found = {
            step.step_key: step.end_time - step.start_time
            for step in instance.get_run_step_stats(record.dagster_run.run_id)
        }
    # Readers see a version before its run has written down that it is over.
    return Event(
        record.create_timestamp.timestamp() - dropped,
        record.start_time - dropped,
        seconds,
        tuple(found[step] for step in _STEPS),
    )


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
def _platform(interval: int) -> Iterator[subprocess.Popen]:
    """`make up`, until the block ends."""
    from orchestration.up import free_port

    command = [sys.executable, "-m", "orchestration", "up", "--port", str(free_port())]
    environment = {**os.environ, "SENSOR_INTERVAL_SECONDS": str(interval)}
    platform = subprocess.Popen(
        command, cwd=PROJECT_DIR, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        yield platform
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


def _is_history(path: Path, first: date) -> bool:
    """Loaded before anything is measured; later orders and page views need all products."""
    is_first = _day(path) == first and "clickstream" not in path.name
    return _day(path) < first or is_first or path.name.startswith("products")


def render(kinds: list[Kind], interval: int, orders: int) -> str:
    """The page, as Markdown."""
    rows = [
        f"| {', '.join(kind.feeds)} | {kind.nodes} | {kind.event.asked:.1f}"
        f" | {kind.event.started - kind.event.asked:.1f}"
        f" | {' | '.join(f'{seconds:.1f}' for seconds in kind.event.steps)}"
        f" | {kind.event.to_gold:.1f} | {kind.warm:.1f} | {kind.share(interval):.2f} |"
        for kind in kinds
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
            "| files of | models and tests | until a run is asked for | until it begins |"
            f" {' | '.join(f'step `{step}`' for step in _STEPS)} | drop to gold |"
            " warm `dbt build` | of what is allowed |",
            "|---|" + "---:|" * (len(_STEPS) + 6),
            *rows,
            "",
            "Until a run is asked for, files settle and the sensor's next look is awaited. The warm"
            " `dbt build` is one in a process that has imported dbt and read the project.",
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
