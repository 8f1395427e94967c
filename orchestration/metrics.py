"""Questions about metrics, answered by MetricFlow's SQL on the published copy.

Belongs here: the semantic layer of `models/gold/_metrics.yml` as something to ask. Does not: what a
metric means (there), how the dashboard shows it (`dashboard/`).

MetricFlow writes the SQL, DuckDB runs it: its own command line would need a dbt profile, the folder
`target/` and the warehouse, which one writer locks.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration.dbt_runner import prepare_manifest, target_dir
from orchestration.publish import current_file, damage_of_published
from orchestration.settings import ConfigurationError, Settings

if TYPE_CHECKING:
    from metricflow.engine.metricflow_engine import MetricFlowEngine

_GRAINS = ("day", "week", "month", "quarter", "year")
_LONGEST = 200  # characters of what MetricFlow says; the rest are its suggestions


@dataclass(frozen=True)
class Answer:
    """The SQL that was asked, its column names, and its rows."""

    sql: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class SemanticLayer:
    """The metrics of one project, over the published copy of one `DATA_DIR`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def _engine(self) -> MetricFlowEngine:
        # A second of imports, which no other command should pay.
        from metricflow.engine.metricflow_engine import MetricFlowEngine
        from metricflow.protocols.sql_client import SqlEngine
        from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
        from metricflow_semantics.model.dbt_manifest_parser import (
            parse_manifest_from_dbt_generated_manifest,
        )
        from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

        class DuckDbDialect:
            """As much of MetricFlow's SqlClient as writing SQL needs."""

            sql_engine_type = SqlEngine.DUCKDB
            sql_plan_renderer = DuckDbSqlPlanRenderer()

        prepare_manifest(self._settings)
        text = (target_dir(self._settings) / "semantic_manifest.json").read_text(encoding="utf-8")
        manifest = parse_manifest_from_dbt_generated_manifest(manifest_json_string=text)
        return MetricFlowEngine(SemanticManifestLookup(manifest), DuckDbDialect())

    def metrics(self) -> dict[str, str]:
        """Name of each metric → what it counts."""
        return {
            metric.name: metric.description or ""
            for metric in sorted(self._engine.list_metrics(False), key=lambda metric: metric.name)
        }

    def dimensions(self, metrics: Sequence[str]) -> list[str]:
        """What these metrics can all be grouped by, the grains of time first."""
        found = self._engine.simple_dimensions_for_metrics(list(metrics))
        names = {dimension.dunder_name for dimension in found}
        return [*_GRAINS, *sorted(name for name in names if not name.startswith("metric_time"))]

    def ask(
        self,
        metrics: Sequence[str],
        by: Sequence[str] = (),
        where: Sequence[str] = (),
    ) -> Answer:
        """Metrics grouped by dimensions or a grain of time (`day` … `year`), ordered by them.

        `where` holds MetricFlow's conditions, such as `{{ Dimension('order__channel') }} = 'web'`.
        Raises ConfigurationError when a name is not known, or when nothing was published;
        duckdb.Error when a condition is no SQL.
        """
        published = current_file(self._settings)
        if not published.exists():
            raise ConfigurationError("Nothing was published yet. Load and build with: make run")
        sql = self._sql(metrics, by, where)
        with damage_of_published(self._settings), closing(duckdb.connect()) as connection:
            # The SQL names the database as dbt does: after the file of the warehouse.
            name = self._settings.warehouse.stem
            path = str(published).replace("'", "''")
            connection.execute(f"attach '{path}' as {name} (read_only)")
            result = connection.execute(sql)
            columns = tuple(column[0] for column in result.description)
            return Answer(sql, columns, result.fetchall())

    def _sql(self, metrics: Sequence[str], by: Sequence[str], where: Sequence[str]) -> str:
        from metricflow.engine.metricflow_engine import (
            MetricFlowQueryRequest,
            OutputColumnOrderMode,
        )
        from metricflow_semantics.errors.error_classes import InformativeUserError

        groups = [f"metric_time__{name}" if name in _GRAINS else name for name in by]
        unknown = set(metrics) - set(self.metrics())
        if unknown:
            raise ConfigurationError(
                f"There is no metric {', '.join(sorted(unknown))}."
                f" There are: {', '.join(self.metrics())}."
            )
        if not all(map(str.strip, (*by, *where))):
            raise ConfigurationError(
                "--by or --where is empty. Name a grain of time, a dimension or a condition, or"
                " leave it out."
            )
        request = MetricFlowQueryRequest.create(
            metric_names=list(metrics),
            group_by_names=groups,
            where_constraints=list(where),
            order_by_names=groups,
            output_column_order_mode=OutputColumnOrderMode.INPUT_ORDER,
        )
        try:
            return self._engine.explain(request).sql_statement.sql
        except InformativeUserError as error:
            reason = " ".join(str(error).split())
            raise ConfigurationError(
                f"{', '.join(metrics)} can be grouped and filtered by "
                f"{', '.join(self.dimensions(metrics))}. MetricFlow says: {reason[:_LONGEST]} …"
            ) from None
