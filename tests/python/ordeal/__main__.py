"""The command line of the ordeal: `make ordeal ARGS="--count 200 --seed 1"`.

Belongs here: which sequences run, on how many processes, and what is printed. Does not: a sequence
(`sequence.py`).
"""

import multiprocessing
import os
import shutil
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click

from orchestration.settings import PROJECT_DIR
from ordeal.sequence import judge
from ordeal.shrinking import shrink
from ordeal.streams import Stream, draw_stream
from ordeal.workshop import Workshop


@dataclass(frozen=True)
class Order:
    """One sequence to run, and how."""

    seed: int
    kills: bool
    with_tests: bool
    shrinks: bool
    folder: Path


@dataclass(frozen=True)
class Outcome:
    """What came of one sequence, for the report."""

    order: Order
    stream: Stream
    problems: tuple[str, ...]
    gold_rows: int
    builds: int
    builds_by_keys: int
    kills: int
    seconds: float


@cache
def _workshop(folder: Path, is_full: bool) -> Workshop:
    """This process's workshop of a kind."""
    return Workshop(folder / f"{os.getpid()}_{'full' if is_full else 'delta'}", is_full=is_full)


def run_order(order: Order) -> Outcome:
    """Run one sequence in this process."""
    begin = time.monotonic()
    stream = draw_stream(order.seed, PROJECT_DIR / "seeds", kills=order.kills)
    workshop = _workshop(order.folder, stream.is_full)
    builds, by_keys, kills = workshop.builds, workshop.builds_by_keys, workshop.kills
    verdict = judge(workshop, stream, with_tests=order.with_tests)
    shrunk = None
    if verdict.problems and order.shrinks:
        shrunk = shrink(stream, lambda one: bool(judge(workshop, one, with_tests=False).problems))
        verdict = judge(workshop, shrunk, with_tests=False)
    return Outcome(
        order,
        shrunk or stream,
        verdict.problems,
        verdict.gold_rows,
        workshop.builds - builds,
        workshop.builds_by_keys - by_keys,
        workshop.kills - kills,
        time.monotonic() - begin,
    )


@click.command()
@click.option("--count", default=10, show_default=True, help="How many sequences.")
@click.option(
    "--seed", default=1, show_default=True, help="Seed of the first; the next has one more."
)
@click.option("--jobs", default=os.cpu_count() or 1, help="Processes.  [default: one per core]")
@click.option("--kills/--no-kills", default=True, help="Whether builds are killed.")
@click.option(
    "--tests-every",
    default=4,
    show_default=True,
    help="dbt's tests run on every n-th; 0: none.",
)
@click.option("--shrink", "shrinks", is_flag=True, help="Leave out of what differs all it can.")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder to leave the warehouses in.")
def main(
    count: int,
    seed: int,
    jobs: int,
    kills: bool,
    tests_every: int,
    shrinks: bool,
    keep: Path | None,
) -> None:
    """Run random sequences of deliveries, take-backs and builds; compare what comes of them."""
    begin = time.monotonic()
    # A process that is killed leaves semaphores behind; Python's tracker frees and tells of them.
    os.environ["PYTHONWARNINGS"] = "ignore:resource_tracker:UserWarning"
    folder = keep.absolute() if keep else Path(tempfile.mkdtemp(prefix="ordeal_"))
    orders = [
        Order(one, kills, bool(tests_every and one % tests_every == 0), shrinks, folder)
        for one in range(seed, seed + count)
    ]
    outcomes: list[Outcome] = []
    try:
        with ProcessPoolExecutor(
            min(jobs, count), mp_context=multiprocessing.get_context("fork")
        ) as pool:
            for outcome in pool.map(run_order, orders):
                outcomes.append(outcome)
                click.echo(_line(outcome))
                if outcome.problems:
                    click.echo(_story(outcome))
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    different = [outcome for outcome in outcomes if outcome.problems]
    click.echo(
        f"{len(outcomes)} sequences, {sum(o.builds for o in outcomes)} builds,"
        f" {sum(o.builds_by_keys for o in outcomes)} of them by touched keys,"
        f" {sum(o.kills for o in outcomes)} killed, {len(different)} differences,"
        f" {time.monotonic() - begin:.0f} s"
    )
    if different:
        click.echo(f"Seeds that differ: {', '.join(str(o.order.seed) for o in different)}")
        raise SystemExit(1)


def _line(outcome: Outcome) -> str:
    kind = "full lists" if outcome.stream.is_full else "deltas"
    result = "DIFFERS" if outcome.problems else "equal"
    return (
        f"seed {outcome.order.seed}: {len(outcome.stream.events)} events ({kind}),"
        f" {outcome.builds} builds, {outcome.builds_by_keys} by keys, {outcome.kills} killed,"
        f" {outcome.gold_rows} rows of gold,"
        f" {outcome.seconds:.1f} s: {result}"
    )


def _story(outcome: Outcome) -> str:
    """What happened, what differs, how to see it again."""
    lines = [f"{place:4d} {event}" for place, event in enumerate(outcome.stream.events)]
    again = f'make ordeal ARGS="--count 1 --seed {outcome.order.seed} --keep FOLDER"'
    return "\n".join(
        [*lines, *outcome.problems, f"Again: {again}; --without 3,4 leaves events out."]
    )


if __name__ == "__main__":
    main()
