"""The forecast as a step: an asset of Dagster, a part of the night, a command.

Belongs here: when the tables are written and published. Does not: what stands in them
(`tables.py`).

A forecast looks weeks ahead and costs a fit per week of the past and series, so that it is made
once a night and not at every event; the night's version is published at once.
"""

from collections.abc import Callable, Iterator
from contextlib import closing

import dagster as dg
from duckdb import CatalogException, DuckDBPyConnection
from duckdb import Error as DuckDBError

from orchestration.builds import is_as_built, last_builds
from orchestration.forecast.tables import TABLES, refresh_forecast
from orchestration.loader.load import connect
from orchestration.publish import current_file, current_version, publish
from orchestration.retries import retrying
from orchestration.settings import ConfigurationError, Settings
from orchestration.warehouse import is_damage

GROUP = "forecast"
_DESCRIPTIONS = {
    "gold.sales_forecast": "Units and net amount per category for the next 28 days.",
    "gold.forecast_accuracy": "How such forecasts fared in the past.",
}
_KEYS = {table: dg.AssetKey([GROUP, table.partition(".")[2]]) for table in TABLES}
_UPSTREAM = [
    ["gold", "fact_sales"],
    ["gold", "fact_orders"],
    ["gold", "dim_product"],
    ["silver", "business_clock"],
]


def forecast_sales(settings: Settings) -> list[str]:
    """Write the forecast of the last build that passed, and publish it; in sentences.

    What readers see gets the new tables only where it is that build: a version that somebody went
    back to stays. Of the only writer. Raises ConfigurationError when there is no such build, or dbt
    has run by hand since.
    """
    with closing(connect(settings)) as connection:
        builds = last_builds(connection)
        if not builds or builds[0].status not in ("built", "published"):
            state = f"The last build is {builds[0].status}" if builds else "Nothing was built yet"
            raise ConfigurationError(
                f"{state}; the forecast stays as it was. Load and build with: make run"
            )
        if not is_as_built(connection):
            raise ConfigurationError(
                "dbt has run by hand since the last build; the forecast stays as it was. Build what"
                " readers are to see with: python -m orchestration run --force"
            )
        summary = refresh_forecast(connection)
        if builds[0].status == "built":
            return [summary.sentence, "It is published with the build."]
        if current_version(settings) != builds[0].published_version:
            return [summary.sentence, "Readers see an earlier version; it is not published."]
        if _is_published(connection, settings):
            return [summary.sentence, "It is the forecast that stood there."]
        version = publish(connection, settings, builds[0].run_id)
        return [summary.sentence, f"Published version {version.version}."]


def _is_published(connection: DuckDBPyConnection, settings: Settings) -> bool:
    """Whether readers see the forecast as it stands: publishing may have failed after it."""
    file = str(current_file(settings)).replace("'", "''")
    connection.execute(f"attach '{file}' as published (read_only)")
    try:
        return not any(
            connection.execute(f"(from {one} except all from {other}) limit 1").fetchall()
            for table in TABLES
            for one, other in ((table, f"published.{table}"), (f"published.{table}", table))
        )
    except DuckDBError as error:
        # Of a version before there were forecasts, or damaged.
        if isinstance(error, CatalogException) or is_damage(str(error)):
            return False
        raise
    finally:
        connection.execute("detach published")


def forecast_assets(settings: Settings, report: Callable[[str], None]) -> dg.AssetsDefinition:
    """The group `forecast`; `report` gets lines for a person."""

    @dg.multi_asset(
        name=GROUP,
        specs=[
            dg.AssetSpec(
                key,
                deps=_UPSTREAM,
                description=_DESCRIPTIONS[table],
                group_name=GROUP,
                kinds={"duckdb"},
            )
            for table, key in _KEYS.items()
        ],
        pool="warehouse",
        required_resource_keys={"writer"},
    )
    def forecast(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        with retrying(context, report):
            _forecast_or_fail(settings, report)
        for event in materializations(settings):
            yield dg.MaterializeResult(asset_key=event.asset_key, metadata=event.metadata)

    return forecast


def forecast_op(settings: Settings, report: Callable[[str], None]) -> dg.OpDefinition:
    """The same as a step of the night, after all tests passed."""

    @dg.op(
        name="forecast_sales",
        ins={"tested": dg.In(dg.Nothing)},
        out={},
        pool="warehouse",
        required_resource_keys={"writer"},
        description="The next 28 days of every category, and how such forecasts fared.",
    )
    def op() -> Iterator[dg.AssetMaterialization]:
        _forecast_or_fail(settings, report)
        yield from materializations(settings)

    return op


def materializations(settings: Settings) -> list[dg.AssetMaterialization]:
    """What the UI shows of the tables over time: rows and scores."""
    with closing(connect(settings)) as connection:
        return [
            dg.AssetMaterialization(key, metadata=_figures(connection, table))
            for table, key in _KEYS.items()
        ]


def _forecast_or_fail(settings: Settings, report: Callable[[str], None]) -> None:
    try:
        for line in forecast_sales(settings):
            report(line)
    except ConfigurationError as error:
        raise dg.Failure(str(error), allow_retries=False) from None


def _figures(connection: DuckDBPyConnection, table: str) -> dict[str, dg.MetadataValue]:
    (rows,) = connection.execute(f"select count(*) from {table}").fetchone()
    found = {"dagster/row_count": dg.MetadataValue.int(rows)}
    if table == "gold.forecast_accuracy":
        names = ("median mase", "largest mase", "mean coverage_80", "mean coverage_95")
        scores = connection.execute(
            "select median(mase), max(mase), avg(coverage_80), avg(coverage_95)"
            " from gold.forecast_accuracy"
        ).fetchone()
        found |= {
            name: dg.MetadataValue.float(score)
            for name, score in zip(names, scores, strict=True)
            if score is not None
        }
    return found
