"""The command line, `python -m orchestration`: what make calls.

Belongs here: commands, their options, exit codes. Does not: what they do.

Exit codes: 0 published or nothing due, 1 the build failed and nothing was published, 2 the
configuration or the command is wrong.
"""

import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import wraps
from typing import Any, TextIO

import click
import duckdb
from rich.console import Console

from orchestration.demo import DEFAULT_DAYS, DEFAULT_ORDERS, DEFAULT_SEED, DEFAULT_START
from orchestration.settings import ConfigurationError, Settings

FAILED, WRONG = 1, 2
_PLAIN_WIDTH = 120
_DAY = click.DateTime(["%Y-%m-%d"])
_PORT = click.IntRange(1, 65535)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
def cli() -> None:
    """An order warehouse in a box: files in DATA_DIR/landing become published/orderhouse.duckdb."""


def _command(function: Callable[..., int | None]) -> click.Command:
    """A command that gets settings and a console, and whose errors are sentences."""

    @wraps(function)
    def guarded(**options: object) -> None:
        console = _console()
        try:
            settings = Settings.from_env()
            code = function(settings, console, **options)
        except ConfigurationError as error:
            _complain(str(error))
            code = WRONG
        except OSError as error:
            _complain(f"{error.filename or 'The system'}: {error.strerror or error}")
            code = WRONG
        except duckdb.Error as error:
            from orchestration.warehouse import damage_of

            _complain(str(damage_of(settings, str(error)) or error))
            code = FAILED
        sys.exit(code or 0)

    return cli.command()(guarded)


class _UnheardConsole(Console):
    """Goes quiet once nobody reads it or its disk is full: no build ends by what it prints."""

    def print(self, *objects: Any, **options: Any) -> None:
        try:
            super().print(*objects, **options)
        except OSError:
            self.on_broken_pipe()

    def on_broken_pipe(self) -> None:
        # rich's own ends the thread, which may be one of dbt's that others wait for.
        self.quiet = True
        # What the file still holds would be an error when Python flushes it at its end.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def _console(file: TextIO | None = None) -> Console:
    """Prints what it is given: brackets in a name are no markup, and a path is not broken.

    What the file's encoding lacks is printed as `\\xe9`; what nobody hears ends nothing.
    """
    if file is None:
        if sys.stdout is None:
            sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
        file = sys.stdout
    if isinstance(file, io.TextIOWrapper):
        file.reconfigure(errors="backslashreplace")
    width = None if file.isatty() else _PLAIN_WIDTH
    return _UnheardConsole(file=file, highlight=False, markup=False, soft_wrap=True, width=width)


def _complain(text: str) -> None:
    with suppress(OSError):
        click.echo(f"Error: {text}", err=True)


@_command
@click.option("--force", is_flag=True, help="Build and publish although nothing has changed.")
@click.option("--full-refresh", is_flag=True, help="Build incremental tables anew from bronze.")
@click.option(
    "--let-pass", is_flag=True, help="Let what is loaded pass the circuit breaker: for a backfill."
)
@click.option("--new-key", is_flag=True, help="Make a new key of hashes: the old one is lost.")
def run(settings: Settings, console: Console, **options: bool) -> int:
    """Load what is due in landing, build, test, publish."""
    from orchestration.run import run as run_once
    from orchestration.summary import print_run

    outcome = run_once(settings, report=console.print, **options)
    print_run(console, settings, outcome)
    return FAILED if outcome.status == "failed" else 0


@_command
def status(settings: Settings, console: Console) -> None:
    """What readers see, the last builds, what waits in landing. Changes nothing."""
    from orchestration.summary import print_status

    print_status(console, settings)


@_command
@click.argument("version", type=int, required=False)
def rollback(settings: Settings, console: Console, version: int | None) -> None:
    """Let readers see VERSION again (default: the one before the current)."""
    _decide(settings, console, "rollback", version=version)


@_command
@click.argument("batch")
@click.option("--why", required=True, help="Kept with the release, for who asks later.")
def release(settings: Settings, console: Console, batch: str, why: str) -> None:
    """End the holds of BATCH, as status names it: the next run takes its files as they are."""
    _decide(settings, console, "release", batch=batch, why=why)


@_command
@click.argument("target")
@click.option("--why", required=True, help="Kept in the ledger, for who asks later.")
def retract(settings: Settings, console: Console, target: str, why: str) -> None:
    """Take back TARGET, a file's name or a batch: the next run builds as if it had never come."""
    _decide(settings, console, "retract", target=target, why=why)


@_command
@click.argument("target")
@click.option("--why", required=True, help="Kept in the ledger, for who asks later.")
def restore(settings: Settings, console: Console, target: str, why: str) -> None:
    """Undo the retraction of TARGET, a file's name or a batch."""
    _decide(settings, console, "restore", target=target, why=why)


@_command
@click.argument("file")
@click.option("--why", default="its cause was mended", help="Kept in the ledger.")
def reprocess(settings: Settings, console: Console, file: str, why: str) -> None:
    """Put FILE, a discarded file's name, back into landing: the next run judges it again."""
    _decide(settings, console, "reprocess", file=file, why=why)


@_command
@click.argument("customer_id")
@click.option("--why", required=True, help="Kept in the certificate; nothing of the person in it.")
def erase(settings: Settings, console: Console, customer_id: str, why: str) -> int:
    """Forget a person everywhere, build, publish; audit.erasures keeps a certificate."""
    from orchestration.erasure.erase import ErasureError
    from orchestration.erasure.erase import erase as forget
    from orchestration.instance import dagster_home

    try:
        done = forget(settings, customer_id, why, dagster_home(settings), console.print)
    except ErasureError as error:
        _complain(str(error))
        return FAILED
    for place, count in done.places.items():
        console.print(f"{place}: {count:,}")
    if done.names_elsewhere:
        console.print(
            "Files in which a name of theirs also stands, in no record of theirs (a town, a brand,"
            f" somebody else's word): {done.names_elsewhere:,}"
        )
    if done.unread:
        console.print(
            "No search can read these files, which are locked, broken or no text; look into them"
            " yourself, and remove what is theirs:"
        )
        for path in done.unread:
            console.print(str(path))
    console.print(f"Erased. Readers see version {done.version}; the versions before are removed.")
    return 0


def _decide(settings: Settings, console: Console, decision: str, **options: object) -> None:
    from orchestration import steward
    from orchestration.warehouse import writer_lock

    with writer_lock(settings, console.print):
        for line in getattr(steward, decision)(settings, **options):
            console.print(line)


@_command
@click.option("--days", type=int, default=DEFAULT_DAYS, help="Days, one batch each.")
@click.option("--orders", type=int, default=DEFAULT_ORDERS, help="Orders in all.")
@click.option("--seed", type=int, default=DEFAULT_SEED, help="Another seed, another shop.")
@click.option("--start", type=_DAY, default=DEFAULT_START.isoformat(), help="First day.")
@click.option("--faults/--no-faults", default=False, help="Plant labelled faults.")
def demo_data(settings: Settings, console: Console, start: datetime, **options: int) -> None:
    """Put made-up deliveries of all feeds into landing; the same options give the same bytes."""
    from orchestration.run import make_demo_data

    make_demo_data(settings, console.print, start=start.date(), **options)


@_command
def docs(settings: Settings, console: Console) -> None:
    """Write the catalogue, one static page: what every table, column and macro means."""
    from orchestration.catalogue import write_docs

    path = write_docs(settings, console.print)
    console.print(f"Documentation: {path}")


@_command
def forecast(settings: Settings, console: Console) -> None:
    """Forecast the next 28 days of every category, and publish it; the night does it by itself."""
    from orchestration.forecast.step import forecast_sales
    from orchestration.warehouse import writer_lock

    with writer_lock(settings, console.print):
        for line in forecast_sales(settings):
            console.print(line)


@_command
@click.argument("names", nargs=-1)
@click.option("--by", multiple=True, help="day, week … year, or a dimension; several may be given.")
@click.option("--where", multiple=True, help="{{ Dimension('order__channel') }} = 'web'")
@click.option("--sql", is_flag=True, help="Print the SQL instead of its answer.")
def metrics(settings: Settings, console: Console, names: tuple[str, ...], **options: Any) -> None:
    """Metrics NAMES of what is published; without NAMES, which metrics there are."""
    from orchestration.metrics import SemanticLayer
    from orchestration.summary import print_answer, print_metrics

    layer = SemanticLayer(settings)
    if names:
        show_sql = options.pop("sql")
        print_answer(console, layer.ask(names, **options), show_sql=show_sql)
    else:
        print_metrics(console, layer)


@_command
@click.option("--host", default="127.0.0.1", help="0.0.0.0 lets others look; there is no login.")
@click.option("--port", type=_PORT, default=8050)
def dashboard(settings: Settings, console: Console, host: str, port: int) -> None:
    """Start the dashboard on what is published."""
    from dashboard.serve import serve

    serve(settings, host, port, console.print)


@_command
@click.option("--port", type=_PORT, default=3000, show_default=True)
def dev(settings: Settings, console: Console, port: int) -> None:
    """Start the Dagster UI."""
    from orchestration.contracts import load_contracts
    from orchestration.instance import dagster_home

    load_contracts(settings.contracts_file)
    environment = {**os.environ, "DAGSTER_HOME": str(dagster_home(settings))}
    os.chdir(settings.project_dir)
    dagster = ["-m", "dagster", "dev", "-m", "orchestration.definitions", "-p", str(port)]
    os.execve(sys.executable, [sys.executable, *dagster], environment)


@_command
@click.option("--host", default="127.0.0.1", help="Address the UI listens on.")
@click.option("--port", type=_PORT, default=3000, help="Port the UI listens on.")
def up(settings: Settings, console: Console, host: str, port: int) -> int:
    """Run code location, web server and daemon for good: what lands is loaded by itself."""
    from orchestration.up import up as run_for_good

    return run_for_good(settings, host, port, console.print)
