"""What a person reads after a run, and of `status`.

Belongs here: words and tables on the terminal. Does not: deciding anything.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import datetime
from decimal import Decimal

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration.alerts import unsent_alerts
from orchestration.builds import Build, last_builds
from orchestration.loader.file_names import shown
from orchestration.loader.landing import passed_over
from orchestration.loader.load import connect
from orchestration.loader.withhold import withheld_files
from orchestration.metrics import Answer, SemanticLayer
from orchestration.publish import current_file, current_version, read_published, versions
from orchestration.run import RunOutcome
from orchestration.settings import Settings
from orchestration.warehouse import current_writer

_MOST_LINES = 20
_DAYS_OF_REVENUE = 7


def print_run(console: Console, settings: Settings, outcome: RunOutcome) -> None:
    """Files, rows, quarantine, gold and revenue after a run, and where to look next."""
    _print_files(console, outcome)
    if outcome.status == "failed":
        console.print(f"\n{outcome.error}", style="bold red")
        console.print(
            f"\nTest failures are tables in {settings.warehouse}. The run stands in the Dagster "
            f"UI (make dev) as {outcome.run_id}; dbt's log is logs/dbt.log.",
        )
        return
    print_published(console, settings)
    with _warehouse(console, settings) as connection:
        if connection:
            _print_withheld(console, connection)
    if outcome.status == "unchanged":
        console.print("\nNothing was due: readers see what they saw before.", style="bold")
    console.print(
        f"\nRead it: {current_file(settings)} (open read-only, for example with duckdb -readonly)."
        "\nSee runs, lineage and tests: make dev. Model documentation: make docs. "
        "Bad mornings: docs/runbook.md.",
    )


def print_published(console: Console, settings: Settings) -> None:
    """What readers see: rows per feed, quarantine by reason, gold tables, revenue of last days."""
    with read_published(settings) as connection:
        version, published_at, as_of = connection.execute(
            "select version, published_at, as_of_date from audit.published"
        ).fetchone()
        data = f"as of {as_of}" if as_of else "without data: no file counts"
        console.print(
            f"\nPublished version {version} of {published_at:%Y-%m-%d %H:%M} UTC, {data}.",
            style="bold",
        )
        counts = _counts(connection)
        _print_table(
            console,
            "Gold",
            ("table", "rows"),
            [(name, f"{rows:,}") for (schema, name), rows in counts.items() if schema == "gold"],
        )
        if ("silver", "quarantine") in counts:
            _print_query(
                console,
                connection,
                "Quarantine",
                ("feed", "reason", "rows"),
                "select feed, reason, format('{:,}', count(*)) from"
                " (select feed, unnest(rejection_reasons) as reason from silver.quarantine)"
                " group by feed, reason order by count(*) desc, feed, reason",
            )
        if ("gold", "agg_daily_sales") in counts:
            _print_query(
                console,
                connection,
                "Revenue of the last days",
                ("day", "orders", "net amount"),
                "select date_day, format('{:,}', sum(orders)::bigint),"
                " format('{:,.2f}', sum(net_amount)::double) from gold.agg_daily_sales"
                # A mistyped year would stand above the others for ever.
                " where date_day <= (select as_of_date from audit.published)"
                f" group by date_day order by date_day desc limit {_DAYS_OF_REVENUE}",
            )


def print_status(console: Console, settings: Settings) -> None:
    """What readers see, the last builds, and what waits in landing; changes nothing."""
    if current_file(settings).exists():
        print_published(console, settings)
        kept = ", ".join(map(str, versions(settings)))
        console.print(f"\nReaders see version {current_version(settings)}; kept are {kept}.")
    else:
        console.print("Nothing was published yet. Load and build with: make run")
    with _warehouse(console, settings) as connection:
        if connection:
            builds = last_builds(connection, 5)
            _print_table(
                console,
                "Last builds",
                ("started (UTC)", "status", "files", "rows", "version"),
                [_build_row(build) for build in builds],
            )
            _print_query(
                console,
                connection,
                "Batches that are not loaded",
                ("batch", "status", "reason"),
                "select batch_id, status, coalesce(reason, '') from bronze.batches"
                " where status <> 'loaded' order by all",
            )
            _print_withheld(console, connection)
    _print_table(
        console,
        "Alerts that could not be sent yet",
        ("channel", "alert", "error"),
        unsent_alerts(settings) if settings.warehouse.exists() else [],
    )
    waiting = sorted(
        path.name for path in settings.landing.glob("*") if path.is_file() and not path.is_symlink()
    )
    if waiting:
        _print_table(console, "In landing", ("file",), [(shown(name),) for name in waiting])
    for line in passed_over(settings):
        console.print(line)


def print_metrics(console: Console, layer: SemanticLayer) -> None:
    """Each metric, what it counts, and what it can be grouped by."""
    dimensions = {name: layer.dimensions([name]) for name in layer.metrics()}
    for name, description in layer.metrics().items():
        console.print(name, style="bold")
        console.print(f"  {description}")
        console.print(f"  by {', '.join(dimensions[name])}", style="dim")


def print_answer(console: Console, answer: Answer, *, show_sql: bool) -> None:
    """Rows of an answer, all of them, or the SQL that gives them."""
    if show_sql:
        console.print(answer.sql)
        return
    rows = [tuple("" if cell is None else _cell(cell) for cell in row) for row in answer.rows]
    _print_table(console, "Metrics", answer.columns, rows, most=len(rows))


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, float):
        return f"{value:,.4f}"
    return f"{value:,}" if isinstance(value, int | Decimal) else str(value)


@contextmanager
def _warehouse(console: Console, settings: Settings) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """The warehouse; None where there is none, and while another process writes it, as it says."""
    connection, writer = None, current_writer(settings)
    if settings.warehouse.exists() and not writer:
        try:
            connection = connect(settings)
        except duckdb.IOException as error:
            # It began in between, or is dbt, run by hand.
            if "lock" not in str(error):
                raise
            writer = current_writer(settings) or "of another program"
    if writer:
        console.print(
            f"A run ({writer}) is writing the warehouse now. See the rest after it: make status"
        )
    with closing(connection) if connection else nullcontext():
        yield connection


def _print_withheld(console: Console, connection: duckdb.DuckDBPyConnection) -> None:
    """What the circuit breaker keeps from being published, and the command that ends it."""
    withheld = withheld_files(connection)
    _print_table(
        console,
        "Loaded, but far off and not published",
        ("batch", "feed", "file", "why"),
        [
            (shown(one.batch_id), one.feed, shown(one.file_name), shown(one.reason))
            for one in withheld
        ],
    )
    for command in sorted({one.command for one in withheld}):
        console.print(f"If it is right: {command}")


def _print_files(console: Console, outcome: RunOutcome) -> None:
    loaded = [file for file in outcome.files if file["status"] == "loaded"]
    feeds: dict[str, list[int]] = {}
    for file in loaded:
        of_feed = feeds.setdefault(file["feed"], [0, 0, 0])
        of_feed[0] += 1
        of_feed[1] += file["rows_loaded"]
        of_feed[2] += file["rows_rejected"]
    _print_table(
        console,
        "Loaded",
        ("feed", "files", "rows", "rejected"),
        [(feed, *(f"{count:,}" for count in counts)) for feed, counts in feeds.items()],
    )
    waiting = [batch for batch in outcome.batches if batch["status"] != "loaded"]
    explained = {batch["batch_id"] for batch in waiting}
    _print_table(
        console,
        "Not loaded",
        ("file", "status", "code", "reason"),
        [
            (shown(file["file_name"]), file["status"], file["code"] or "", file["reason"] or "")
            for file in outcome.files
            if file["status"] != "loaded"
            and not (file["status"] in ("held", "waiting") and file["batch_id"] in explained)
        ],
    )
    _print_table(
        console,
        "Batches that are held or wait",
        ("batch", "status", "reason"),
        [(shown(batch["batch_id"]), batch["status"], batch["reason"] or "") for batch in waiting],
    )


def _counts(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], int]:
    tables = connection.execute(
        "select table_schema, table_name from information_schema.tables order by all"
    ).fetchall()
    return {
        (schema, name): connection.execute(f'select count(*) from "{schema}"."{name}"').fetchone()[
            0
        ]
        for schema, name in tables
    }


def _print_query(
    console: Console,
    connection: duckdb.DuckDBPyConnection,
    title: str,
    columns: tuple[str, ...],
    sql: str,
) -> None:
    rows = connection.execute(sql).fetchall()
    _print_table(console, title, columns, [tuple(shown(str(cell)) for cell in row) for row in rows])


def _print_table(
    console: Console,
    title: str,
    columns: tuple[str, ...],
    rows: list[tuple[str, ...]],
    most: int = _MOST_LINES,
) -> None:
    """A titled table without lines; nothing when it is empty, `most` rows when it is long."""
    if not rows:
        return
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in columns:
        is_number = all(row[columns.index(column)][-1:].isdigit() for row in rows)
        table.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in rows[:most]:
        table.add_row(*row)
    console.print(f"\n{title}", style="bold")
    console.print(table, soft_wrap=False)
    if len(rows) > most:
        console.print(f"… and {len(rows) - most:,} more", style="dim")


def _build_row(build: Build) -> tuple[str, ...]:
    return (
        f"{build.started_at:%Y-%m-%d %H:%M:%S}",
        build.status,
        str(build.files),
        str(build.rows),
        "" if build.published_version is None else str(build.published_version),
    )
