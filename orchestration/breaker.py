"""The circuit breaker around a build: what is far off is left out, the rest is published.

Belongs here: what a build does when the test deliveries_are_usual fails. Does not: the judgement
(that test), the ledger (`loader/withhold.py`).
"""

from collections.abc import Callable
from contextlib import closing

from orchestration.alerts import observe_warehouse
from orchestration.builds import create_builds, project_fingerprint
from orchestration.contracts import load_contracts
from orchestration.dbt_runner import DbtRun
from orchestration.loader.file_names import shown
from orchestration.loader.load import connect
from orchestration.loader.withhold import (
    pass_files,
    pass_published_files,
    read_findings,
    reconsider,
    withhold,
)
from orchestration.settings import Settings

_TEST = "deliveries_are_usual"


def build_without_far_off(
    settings: Settings,
    build: Callable[[], DbtRun],
    report: Callable[[str], None],
    *,
    is_whole: bool,
    let_pass: bool = False,
) -> DbtRun:
    """Run `build`, and again without the deliveries that are far off, until nothing more is.

    `build` runs dbt once; the run that comes back is the last one. No connection of ours may be
    open. After a build of everything (`is_whole`) that succeeded, all files that count have passed
    and are not judged again; with `let_pass` those that are there now are not judged at all.
    Deliveries withheld earlier are judged anew when what that rests on
    has changed.
    """
    contracts = load_contracts(settings.contracts_file)
    project = project_fingerprint(settings)
    with closing(connect(settings)) as connection:
        create_builds(connection)
        pass_published_files(connection)
        was_open = bool(reconsider(connection, contracts, project))
        if let_pass:
            pass_files(connection)
    while True:
        run = build()
        tables = [
            failure.table
            for failure in run.failures
            if failure.name.startswith(_TEST) and failure.table and failure.rows
        ]
        with closing(connect(settings)) as connection:
            findings = [one for table in tables for one in read_findings(connection, table)]
            withheld = withhold(connection, contracts, project, findings)
            if run.succeeded and is_whole:
                pass_files(connection)
            if not withheld and was_open:
                observe_warehouse(connection, settings, contracts, report)
        if not withheld:
            return run
        was_open = True
        names = ", ".join(shown(one.file_name) for one in withheld)
        report(f"Far off, and built again without: {names}")
