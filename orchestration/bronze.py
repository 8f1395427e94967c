"""The assets of the schema bronze: one per feed, from its contract, and the ledger.

Belongs here: the Dagster shell around the loader. Does not: reading files (`loader/`).
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from orchestration.alerts import observe_warehouse
from orchestration.builds import begin_build, count_loaded
from orchestration.contracts import Contract
from orchestration.loader.load import LoadReport, connect, load_landing
from orchestration.retries import retrying
from orchestration.settings import Settings
from orchestration.ui_metadata import Figures, check_result, figures_of_feeds
from orchestration.warehouse import make_key
from orchestration.watching import arrival_checks, arrival_results

LEDGER = {
    "files": "The ledger: one row per file ever seen.",
    "rejected_rows": "Lines and elements that could not be read as a record.",
    "batches": "One row per trigger file, and per full list that was held without one.",
}
BUILDS = dg.AssetKey(["audit", "builds"])
# Written when a person or the circuit breaker decides, by no step of a build.
DECISIONS = {
    dg.AssetKey(["bronze", "releases"]): "Held batches that a person took as they are.",
    dg.AssetKey(["bronze", "breakers"]): "Why the circuit breaker withheld a delivery.",
    dg.AssetKey(["bronze", "passed_files"]): "Files that the circuit breaker let pass.",
    dg.AssetKey(["bronze", "rewritten_files"]): "Files from which an erasure took a person.",
    dg.AssetKey(["audit", "erasures"]): "Certificates of erasures.",
}


def bronze_keys(feeds: Iterable[str]) -> list[dg.AssetKey]:
    """Keys of all assets that the loader makes."""
    return [*(dg.AssetKey(["bronze", name]) for name in [*feeds, *LEDGER]), BUILDS]


class LoadConfig(dg.Config):
    """Whether to wait until files that were just dropped have settled, instead of leaving them."""

    wait_for_settling: bool = False


def bronze_assets(
    settings: Settings, contracts: dict[str, Contract], report: Callable[[str], None]
) -> dg.AssetsDefinition:
    """The step that loads what is due in landing; `report` gets lines for a person."""
    descriptions = {feed: contract.description for feed, contract in contracts.items()} | LEDGER
    specs = [
        dg.AssetSpec(
            ["bronze", name], description=description, group_name="bronze", kinds={"duckdb"}
        )
        for name, description in descriptions.items()
    ]
    builds = dg.AssetSpec(
        BUILDS, description="One row per build.", group_name="audit", kinds={"duckdb"}
    )

    @dg.multi_asset(
        name="bronze",
        specs=[*specs, builds],
        check_specs=arrival_checks(contracts),
        pool="warehouse",
        required_resource_keys={"writer"},
    )
    def bronze(
        context: dg.AssetExecutionContext, config: LoadConfig
    ) -> Iterator[dg.MaterializeResult]:
        with retrying(context, report):
            outcome, counts, figures = load(
                settings,
                contracts,
                context.run.run_id,
                wait_for_settling=config.wait_for_settling,
                report=report,
            )
        for spec in specs:
            name = spec.key.path[-1]
            metadata = _metadata(name, outcome, counts) | figures.get(name, {})
            yield dg.MaterializeResult(asset_key=spec.key, metadata=metadata)
        yield dg.MaterializeResult(asset_key=BUILDS)
        for result in arrival_results(settings, contracts, contracts, datetime.now(UTC)):
            yield check_result(result)

    return bronze


def load(
    settings: Settings,
    contracts: dict[str, Contract],
    run_id: str,
    *,
    wait_for_settling: bool,
    report: Callable[[str], None],
) -> tuple[LoadReport, dict[str, int], dict[str, Figures]]:
    """Load what is due and record it in audit.builds.

    The loader's report, rows per table, and figures per feed for the UI.
    """
    if notice := make_key(settings):
        report(notice)
    with closing(connect(settings)) as connection:
        begin_build(connection, run_id)
        outcome = load_landing(
            connection, settings, contracts, report=report, wait_for_settling=wait_for_settling
        )
        observe_warehouse(connection, settings, contracts, report)
        loaded = [file for file in outcome.files if file.status == "loaded"]
        count_loaded(connection, run_id, len(loaded), sum(file.rows_loaded for file in loaded))
        counts = {
            name: connection.execute(f"select count(*) from bronze.{name}").fetchone()[0]
            for name in [*contracts, *LEDGER]
        }
        return outcome, counts, figures_of_feeds(connection, counts)


def _metadata(table: str, outcome: LoadReport, counts: dict[str, int]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"dagster/row_count": counts[table]}
    files = outcome.files if table == "files" else [f for f in outcome.files if f.feed == table]
    if table not in LEDGER:
        loaded = [file for file in files if file.status == "loaded"]
        metadata["files_loaded"] = len(loaded)
        metadata["rows_loaded"] = sum(file.rows_loaded for file in loaded)
    if files:
        metadata["files"] = dg.MetadataValue.json([_as_json(file) for file in files])
    if table == "batches" and outcome.batches:
        metadata["batches"] = dg.MetadataValue.json([_as_json(b) for b in outcome.batches])
    return metadata


def _as_json(outcome: Any) -> dict[str, Any]:
    return json.loads(json.dumps(asdict(outcome), default=str))


def decision_assets() -> list[dg.AssetSpec]:
    """The tables that decisions write, for lineage and search in the UI."""
    return [
        dg.AssetSpec(key, description=description, group_name=key.path[0], kinds={"duckdb"})
        for key, description in DECISIONS.items()
    ]
