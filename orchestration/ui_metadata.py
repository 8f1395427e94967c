"""What steps tell Dagster's UI: figures it plots over time (what expectations found, what is held,
conservation), and how a check ended.

Belongs here: asking the warehouse for figures, as numbers per asset; the form of a check's result.
Does not: emitting them.
"""

from collections.abc import Mapping

import dagster as dg
from duckdb import DuckDBPyConnection

Figures = dict[str, int | float]


def figures_of_models(connection: DuckDBPyConnection) -> dict[str, Figures]:
    """`schema.table` → name → number, of what dbt has built: nothing of what is not there.

    Each staging model has the rows that fail each of its expectations and the files that the
    circuit breaker keeps out of it, quarantine the rows and amounts it holds of each feed,
    expectation_results the rows that fail per feed.
    """
    tables = {
        table
        for (table,) in connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables()"
            " where schema_name in ('audit', 'silver')"
        ).fetchall()
    }
    found: dict[str, Figures] = {}
    if "audit.file_expectations" in tables:
        for feed, expectation, failed in connection.execute(
            "select feed, expectation, sum(rows_failed)::bigint from audit.file_expectations"
            " group by feed, expectation order by all"
        ).fetchall():
            found.setdefault(f"silver.stg_{feed}", {})[f"failed/{expectation}"] = failed
            results = found.setdefault("audit.expectation_results", {})
            results[f"failed/{feed}"] = results.get(f"failed/{feed}", 0) + failed
    withheld = dict(
        connection.execute(
            "select feed, count(*) from bronze.files where status = 'withheld' group by feed"
        ).fetchall()
    )
    for name in found:
        if name.startswith("silver.stg_"):
            found[name]["files_withheld"] = withheld.get(name.removeprefix("silver.stg_"), 0)
    if "silver.quarantine" in tables:
        feeds = [name.removeprefix("silver.stg_") for name in found if ".stg_" in name]
        held = found.setdefault("silver.quarantine", {f"rows_held/{feed}": 0 for feed in feeds})
        for feed, rows, amount in connection.execute(
            "select feed, count(*), sum(amount_held)::double from silver.quarantine"
            " group by feed order by all"
        ).fetchall():
            held[f"rows_held/{feed}"] = rows
            if amount is not None:
                held[f"amount_held/{feed}"] = amount
    return found


def figures_of_feeds(
    connection: DuckDBPyConnection, rows_in_bronze: Mapping[str, int]
) -> dict[str, Figures]:
    """Feed → name → number, of all files that ever loaded: records read and where they are.

    `unaccounted` is what conservation allows none of: records that are neither in bronze nor
    rejected. `rows_in_bronze` has the rows of each table.
    """
    found = {}
    for feed, files, withheld, read, rejected in connection.execute(
        "select feed, count(*), count(*) filter (where status = 'withheld'),"
        " sum(rows_read)::bigint, sum(rows_rejected)::bigint"
        " from bronze.files where rows_loaded is not null group by feed"
    ).fetchall():
        rows = rows_in_bronze.get(feed, 0)
        found[feed] = {
            "files_in_all": files,
            "files_withheld": withheld,
            "records_read": read,
            "records_rejected": rejected,
            "records_unaccounted": read - rejected - rows,
        }
    return found


def check_result(evaluation: dg.AssetCheckEvaluation) -> dg.AssetCheckResult:
    """An evaluation as the result of a step that was asked for it: what is downstream waits for it.

    Of a mere evaluation Dagster says that the check gave no result.
    """
    return dg.AssetCheckResult(
        passed=evaluation.passed,
        asset_key=evaluation.asset_key,
        check_name=evaluation.check_name,
        metadata=evaluation.metadata,
        severity=evaluation.severity,
        description=evaluation.description,
    )
