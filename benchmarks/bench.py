"""`make bench`: what a load, one more day, a correction and an idle run cost.

Belongs here: options, the folder of a benchmark. Does not: measuring (`scenarios.py`).
"""

import json
import os
import platform
import shutil
from pathlib import Path

import click
import duckdb

from benchmarks.report import render
from benchmarks.scenarios import Bench, Disagreement, Plan
from orchestration.settings import PROJECT_DIR

_DATA = Path(__file__).with_name("data")
_RESULTS = _DATA / "results.json"
_DOCUMENT = PROJECT_DIR / "docs" / "performance.md"


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--orders", type=click.IntRange(100), default=100_000, help="Orders of the history.")
@click.option("--days", type=click.IntRange(2), default=30, help="Days of the history.")
@click.option(
    "--small-history", type=click.IntRange(1), default=20_000, help="Orders of the small history."
)
@click.option("--repeats", type=click.IntRange(1), default=3, help="Of all but the full load.")
@click.option("--memory-limit", help="What DuckDB may use on both sides, for example 2GB.")
@click.option("--write-docs", is_flag=True, help="Write docs/performance.md as well.")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=_DATA / "work", help="Scratch, removed."
)
def bench(
    orders: int,
    days: int,
    small_history: int,
    repeats: int,
    memory_limit: str | None,
    write_docs: bool,
    folder: Path,
) -> None:
    """Measure the pipeline beside one hand-written DuckDB script for the same tables.

    Exit code 0 when measured, whatever the figures; 1 when the two sides came to other tables or
    one of them failed. Figures go to benchmarks/data/results.json.
    """
    plan = Plan(orders, days, small_history, repeats, memory_limit)
    if folder.exists():
        raise click.UsageError(f"{folder} is there already; remove it or name another --folder.")
    folder.mkdir(parents=True)
    try:
        measured = Bench(folder.absolute(), plan, click.echo).run()
    except (Disagreement, RuntimeError) as error:
        raise click.ClickException(str(error)) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    results = {"plan": vars(plan), "machine": _machine(), "measured": measured}
    _DATA.mkdir(exist_ok=True)
    _RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    click.echo(render(results))
    if write_docs:
        _DOCUMENT.write_text(render(results), encoding="utf-8")


def _machine() -> dict[str, str | int]:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processors": os.cpu_count() or 0,
        "memory": pages,
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        "load": os.getloadavg()[0],
    }


if __name__ == "__main__":
    bench()
