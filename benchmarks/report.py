"""What a benchmark came to, as docs/performance.md.

Belongs here: ratios, bars, the table and the chart. Does not: measuring.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from benchmarks.measure import PHASES
from benchmarks.scenarios import Result, median

_LETTERS = {"loader": "L", "models": "M", "tests": "T", "dbt": "d", "publish": "P", "rest": "r"}
_SCENARIOS = {
    "full": "Full load",
    "day": "One more day",
    "correction": "Correction of one old day",
    "idle": "Idle run",
    "small": "Small history, full load",
    "day_on_small": "The same day on the small history",
}
_CHART_WIDTH = 60
_SLOWEST_SHOWN = 8
_FULL_LIMIT, _DAY_LIMIT, _DAY_SHARE = 2.0, 1.5, 1 / 6


@dataclass(frozen=True)
class Bar:
    """A promise, what was measured and what is allowed, in the same unit."""

    promise: str
    measured: float
    allowed: float

    @property
    def is_met(self) -> bool:
        return self.measured <= self.allowed


def judge(results: dict[str, Any]) -> list[Bar]:
    """The bars of the design. Values are ratios to the run that each bar names."""
    medians = {name: median(repeated) for name, repeated in results["measured"].items()}
    full, day, small_day = medians["full"], medians["day"], medians["day_on_small"]
    by_hand = medians["full_by_hand"]["seconds"]
    work = sum(full["phases"][phase] for phase in ("loader", "models", "tests", "dbt"))
    own_load = full["seconds"] * day["rows"] / full["rows"]
    allowed = _DAY_LIMIT * small_day["seconds"] + own_load
    rates = [run["phases"]["publish"] / run["published"] for run in (day, small_day)]
    return [
        Bar("Full load: loader, dbt and tests, to the script by hand", work / by_hand, _FULL_LIMIT),
        Bar(
            f"One more day, to {_DAY_LIMIT} times the same day on the small history"
            " + its rows at the rate of the full load",
            day["seconds"] / allowed,
            1.0,
        ),
        Bar("One more day, to the full load", day["seconds"] / full["seconds"], _DAY_SHARE),
        Bar("Idle run: models, seeds, snapshots and tests run", medians["idle"]["nodes"], 0),
        Bar(
            "Publishing, seconds per byte of the published file, to those on the small history",
            rates[0] / rates[1],
            1.0,
        ),
    ]


def render(results: dict[str, Any]) -> str:
    """The page, as Markdown."""
    plan, machine = results["plan"], results["machine"]
    medians = {name: median(repeated) for name, repeated in results["measured"].items()}
    return "\n".join(
        [
            "# Performance",
            "",
            *_introduction(plan, machine, medians),
            "",
            "## Bars",
            "",
            *_bars(judge(results)),
            "",
            "## Where the time goes",
            "",
            *_phases(medians),
            "",
            *_chart(medians),
            "",
            "The slowest models and tests (their own seconds; two run at a time):",
            "",
            *_slowest(medians),
            "",
            "## Memory",
            "",
            *_memory(medians),
            "",
            *_method(plan, medians),
            "",
        ]
    )


def _introduction(
    plan: dict[str, Any], machine: dict[str, Any], medians: dict[str, Result]
) -> list[str]:
    limit = f"DuckDB within {plan['memory_limit']}" if plan["memory_limit"] else "no memory limit"
    options = {
        "orders": plan["orders"],
        "days": plan["days"],
        "small-history": plan["small_orders"],
        "repeats": plan["repeats"],
        "memory-limit": plan["memory_limit"],
    }
    arguments = " ".join(f"--{name} {value}" for name, value in options.items() if value)
    return [
        f'Written by `make bench ARGS="{arguments} --write-docs"`:',
        f"{medians['full']['rows']:,} rows in {plan['days']} days, {limit},"
        f" {machine['processors']} processors, {machine['memory'] / 2**30:.0f} GB of memory,"
        f" DuckDB {machine['duckdb']}, Python {machine['python']};",
        f"load average {machine['load']:.1f} at the end. Ratios travel to another machine, seconds"
        " do not.",
        "`By hand` is one DuckDB script over the same files (benchmarks/handwritten/), whose tables"
        " were found equal to gold, row for row.",
    ]


def _bars(bars: Iterable[Bar]) -> list[str]:
    return _table(
        ["promise", "measured", "at most", ""],
        [[bar.promise, f"{bar.measured:.2f}", f"{bar.allowed:.2f}", _verdict(bar)] for bar in bars],
    )


def _verdict(bar: Bar) -> str:
    return "met" if bar.is_met else "**missed**"


def _phases(medians: dict[str, Result]) -> list[str]:
    by_hand = medians["full_by_hand"]
    unit = by_hand["seconds"]
    rows = []
    for name, title in _SCENARIOS.items():
        run = medians[name]
        own = medians.get(f"{name}_by_hand")
        rows.append(
            [
                title,
                f"{run['rows']:,}",
                *(f"{run['phases'][phase] / unit:.2f}" for phase in PHASES),
                f"**{run['seconds'] / unit:.2f}**",
                f"{own['seconds'] / unit:.2f}" if own else "",
                f"{run['processor'] / by_hand['processor']:.2f}",
                f"{run['seconds']:.1f} s",
            ]
        )
    return [
        f"Everything in units of the full load by hand ({unit:.1f} s on this machine).",
        "",
        *_table(
            ["", "rows", *PHASES, "all", "the whole by hand", "processor", "this machine"],
            rows,
        ),
        "",
        "`models` are models, seeds and snapshots; `dbt` is what dbt needs beside them (reading"
        " the project as parsed, its graph, its results); `rest` is the job around it: Dagster's"
        " definitions, events and checks, the ledger of builds. `processor` compares the time that"
        " all threads were running, waits for disks left out.",
    ]


def _chart(medians: dict[str, Result]) -> list[str]:
    """Bars of letters: Mermaid's charts cannot stack, and need a viewer that draws them."""
    longest = max(run["seconds"] for run in medians.values())
    lines = []
    for name, title in _SCENARIOS.items():
        run, bar, drawn = medians[name], "", 0.0
        for phase in PHASES:
            drawn += run["phases"][phase] / longest * _CHART_WIDTH
            bar += _LETTERS[phase] * (round(drawn) - len(bar))
        lines.append(f"{title:34}{bar or '.'}")
        if own := medians.get(f"{name}_by_hand"):
            length = max(1, round(own["seconds"] / longest * _CHART_WIDTH))
            lines.append(f"{'  the whole by hand':34}{'h' * length}")
    key = ", ".join(f"{letter} {phase}" for phase, letter in _LETTERS.items())
    return ["```text", *lines, "", f"{key}, h by hand", "```"]


def _slowest(medians: dict[str, Result]) -> list[str]:
    columns = [list(medians[name]["slowest"].items()) for name in ("full", "day")]
    rows = [
        [text for node, seconds in pair for text in (f"`{node}`", f"{seconds:.2f}")]
        for pair in list(zip(*columns, strict=False))[:_SLOWEST_SHOWN]
    ]
    return _table(["full load", "s", "one more day", "s"], rows)


def _memory(medians: dict[str, Result]) -> list[str]:
    return [
        "Largest resident size of the process, of which before the clock started:",
        "",
        *_table(
            ["", "pipeline", "at start", "by hand", "published file"],
            [
                [
                    title,
                    _megabytes(medians[name]["peak"]),
                    _megabytes(medians[name]["at_start"]),
                    _megabytes(medians[f"{name}_by_hand"]["peak"])
                    if f"{name}_by_hand" in medians
                    else "",
                    _megabytes(medians[name]["published"]),
                ]
                for name, title in _SCENARIOS.items()
            ],
        ),
    ]


def _method(plan: dict[str, Any], medians: dict[str, Result]) -> list[str]:
    held = medians["day_on_small"]["quarantined"]
    return [
        "## How it is measured",
        "",
        "- The pipeline is the job that `make run` runs. Each measurement has a process of its own;"
        " imports and dbt's parsing are over before its clock starts. Parsing took"
        f" {medians['full']['parse']:.1f} s at first and {medians['day']['parse']:.1f} s when"
        " nothing had changed. The script's imports are not counted either.",
        "- dbt runs tests beside models, two at a time: each instant counts in equal shares for the"
        " nodes that run at it.",
        "- One shop of a day more than asked for is generated; the files of its last day are the"
        " next day, all others the history. The correction is the order lines of the middle day,"
        " with another quantity in every hundredth.",
        f"- The small history is cut from the same files, so that the next day is the same files on"
        f" both: all customers, addresses and products (the day's rows need them), all rows of"
        f" {plan['small_orders']:,} orders, those that the day's rows name first, and that share of"
        " stock counts and page views. What else the day names of older orders is unknown there:"
        f" {held:,} rows were quarantined.",
        "- The script always rebuilds: beside the day and the correction it reads all files again."
        " It reads text by plain casts, keeps its steps in memory, and writes gold and quarantine"
        " only: no bronze, ledger, silver, snapshots, tests or published copy.",
        "- Both sides are compared after every scenario: rows, and every value that the script"
        " makes. A difference fails the benchmark.",
        f"- The full load runs once, all else {plan['repeats']} times; shown is the run with the"
        " median time.",
    ]


def _megabytes(size: int) -> str:
    return f"{size / 2**20:,.0f} MB"


def _table(head: list[str], rows: Iterable[list[str]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + "|".join("---" if number == 0 else "---:" for number, _ in enumerate(head)) + "|",
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
