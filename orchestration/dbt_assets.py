"""Every dbt model, seed and snapshot as an asset, every dbt test as an asset check.

Belongs here: the Dagster shell around one `dbt build`, and `published`, which follows it. Does
not: running dbt (`dbt_runner.py`), writing the published copy (`publish.py`).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtProject,
    dbt_assets,
)
from dagster_dbt.asset_utils import get_subset_selection_for_context
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage
from duckdb import DuckDBPyConnection

from orchestration.affected import affected_models
from orchestration.breaker import build_without_far_off
from orchestration.builds import (
    begin_build,
    build_is_due,
    changed_since_last_build,
    fingerprint,
    finish_build,
    forget_build,
    is_as_built,
    last_builds,
    project_fingerprint,
)
from orchestration.dbt_runner import DbtRun, invoke, target_dir
from orchestration.loader.load import connect
from orchestration.publish import publish
from orchestration.retries import retry_if_transient, retrying
from orchestration.settings import Settings
from orchestration.ui_metadata import Figures, check_result, figures_of_models

PUBLISHED = dg.AssetKey("published")


class BuildConfig(dg.Config):
    """`full_refresh` rebuilds incremental models; `force` builds although nothing changed.

    `only_due` builds, beside the selected models, what files loaded since the last build affect,
    and takes the rest as that build left it. `let_pass` lets what is loaded by now pass the circuit
    breaker: a history that is loaded at once has days unlike each other.
    """

    full_refresh: bool = False
    force: bool = False
    only_due: bool = False
    let_pass: bool = False


class Translator(DagsterDbtTranslator):
    """An asset's key is schema and name, its group its layer; a check says what its test does."""

    def __init__(self) -> None:
        super().__init__(
            DagsterDbtTranslatorSettings(
                enable_asset_checks=True, enable_source_tests_as_checks=True
            )
        )

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        kind = dbt_resource_props["resource_type"]
        return dbt_resource_props["fqn"][1] if kind in ("model", "source") else f"{kind}s"

    def get_asset_check_spec(
        self,
        asset_spec: dg.AssetSpec,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetCheckSpec | None:
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        # Dagster looks for it in the test's meta alone.
        return spec and spec._replace(description=manifest["nodes"][unique_id]["description"])


def build_assets(
    settings: Settings,
    manifest: Mapping[str, Any],
    report: Callable[[str], None],
) -> dg.AssetsDefinition:
    """The step that runs `dbt build`; `report` gets lines for a person."""
    translator = Translator()

    @dbt_assets(
        name="dbt_build",
        manifest=manifest,
        dagster_dbt_translator=translator,
        pool="warehouse",
        required_resource_keys={"writer"},
    )
    def dbt_build(context: dg.AssetExecutionContext, config: BuildConfig) -> Iterator[Any]:
        selection, indirect = get_subset_selection_for_context(
            context, manifest, "fqn:*", None, None, translator, None
        )
        is_whole = indirect is None and selection == ["--select", "fqn:*"]
        project = project_fingerprint(settings)
        with retrying(context, report), closing(connect(settings)) as connection:
            begin_build(connection, context.run.run_id)
            by_hand = not is_as_built(connection, context.run.run_id)
            if (is_whole or config.only_due) and not (
                config.force
                or config.full_refresh
                or build_is_due(connection, settings, context.run.run_id)
            ):
                forget_build(connection, context.run.run_id)
                report("Nothing has changed since the last published build; nothing to build.")
                return
        is_complete = is_whole or config.only_due

        events: list[DbtCoreCliEventMessage] = []
        due: set[str] = set()

        def build() -> DbtRun:
            events.clear()
            if config.only_due and not is_whole:
                with closing(connect(settings)) as connection:
                    changed = changed_since_last_build(connection, project, context.run.run_id)
                # A second try, without what the first one held back, takes that out again.
                is_known = changed is not None and not by_hand
                due.update(affected_models(manifest, changed) if is_known else ["fqn:*"])
                args = [*selection, "source:bronze", *sorted(due)]
            else:
                args = [*selection, *(["--indirect-selection", indirect] if indirect else [])]
            args += ["--full-refresh"] if config.full_refresh else []
            return invoke(
                settings,
                ["build", "--exclude-resource-type", "unit_test", *args],
                _collector(events, report),
            )

        run = build_without_far_off(
            settings, build, report, is_whole=is_complete, let_pass=config.let_pass
        )
        retry_if_transient(context, report, run)

        status = ("built" if is_complete else "partial") if run.succeeded else "failed"
        with closing(connect(settings)) as connection:
            finish_build(
                connection,
                context.run.run_id,
                status,
                build_id=run.invocation_id,
                fingerprint=fingerprint(connection, project),
            )
            relations = _relations(connection)
            figures = figures_of_models(connection)
        for event in events:
            yield from _asset_events(
                event, manifest, translator, context, relations, figures, settings
            )
        for warning in run.warnings:
            report(f"Warning: {warning}")
        if not run.succeeded:
            raise dg.Failure(
                f"The build failed; nothing was published.\n{run.reasons()}", allow_retries=False
            )

    return dbt_build


def published_asset(
    settings: Settings, upstream: dg.AssetsDefinition, report: Callable[[str], None]
) -> dg.AssetsDefinition:
    """The step that swaps in what readers open, downstream of everything that dbt builds."""

    @dg.asset(
        key=PUBLISHED,
        deps=sorted(upstream.keys),
        description="What readers open: published/orderhouse.duckdb, swapped in whole.",
        group_name="published",
        kinds={"duckdb"},
        pool="warehouse",
        required_resource_keys={"writer"},
    )
    def published(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        with retrying(context, report), closing(connect(settings)) as connection:
            builds = last_builds(connection)
            if not builds or builds[0].status != "built":
                found = f"{builds[0].status}" if builds else "missing"
                raise dg.Failure(
                    f"Nothing is published: the last build is {found}, not whole and passed.",
                    allow_retries=False,
                )
            version = publish(connection, settings, builds[0].run_id)
        context.log.info(f"Published version {version.version}.")
        return dg.MaterializeResult(
            metadata={
                "version": version.version,
                "file": dg.MetadataValue.path(version.path),
                "tables": dg.MetadataValue.json(version.tables),
            }
        )

    return published


def _collector(
    events: list[DbtCoreCliEventMessage], report: Callable[[str], None]
) -> Callable[[dict[str, Any]], None]:
    """Keeps the results of nodes. Dagster hears of them when dbt has let go of the warehouse."""
    announced = 0

    def collect(raw: dict[str, Any]) -> None:
        nonlocal announced
        events.append(DbtCoreCliEventMessage(raw_event=raw, event_history_metadata={}))
        total = raw["data"].get("total") or 0
        if total and len(events) * 4 // total > announced:
            announced = len(events) * 4 // total
            report(f"dbt: {len(events)} of {total} models and tests done")

    return collect


def _asset_events(
    event: DbtCoreCliEventMessage,
    manifest: Mapping[str, Any],
    translator: Translator,
    context: dg.AssetExecutionContext,
    relations: dict[str, tuple[int, dg.TableSchema]],
    figures: dict[str, Figures],
    settings: Settings,
) -> Iterator[Any]:
    """What Dagster is told of one node: that it was materialized, or how its check ended.

    A node that the build found due, and that the run was not asked for, counts like the others.
    """
    node = manifest["nodes"][event.raw_event["data"]["node_info"]["unique_id"]]
    # With a context, dagster-dbt gives mere observations of what was not asked for.
    for result in event.to_default_asset_events(
        manifest=manifest,
        dagster_dbt_translator=translator,
        context=None,
        target_path=target_dir(settings),
    ):
        if isinstance(result, dg.AssetMaterialization):
            name = f"{node['schema']}.{node['alias']}"
            metadata = {**result.metadata, **figures.get(name, {})}
            if relation := relations.get(name):
                metadata["dagster/row_count"], metadata["dagster/column_schema"] = relation
            output = result.asset_key.to_python_identifier()
            if output in context.op_execution_context.selected_output_names:
                context.add_output_metadata(metadata, output_name=output)
                yield dg.Output(None, output)
            else:
                yield dg.AssetMaterialization(result.asset_key, metadata=metadata)
        elif (
            isinstance(result, dg.AssetCheckEvaluation)
            and result.asset_check_key in context.selected_asset_check_keys
        ):
            yield check_result(result)
        else:
            yield result


def _relations(connection: DuckDBPyConnection) -> dict[str, tuple[int, dg.TableSchema]]:
    """`schema.table` → its rows and columns, of every table that dbt built."""
    columns: dict[str, list[dg.TableColumn]] = {}
    for table, name, kind in connection.execute(
        "select table_schema || '.' || table_name, column_name, data_type"
        " from information_schema.columns where table_catalog = current_database()"
        " order by table_schema, table_name, ordinal_position"
    ).fetchall():
        columns.setdefault(table, []).append(dg.TableColumn(name, kind))
    counts = connection.execute(
        " union all ".join(f"select '{table}', count(*) from {table}" for table in columns)
    ).fetchall()
    return {table: (rows, dg.TableSchema(columns=columns[table])) for table, rows in counts}
