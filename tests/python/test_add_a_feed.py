"""A stranger adds a feed by the README's checklist: YAML and SQL only, while the platform runs."""

import shutil
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from running_platform import Platform

from orchestration.publish import current_file
from orchestration.settings import PROJECT_DIR

_SOURCE = """
      - name: refunds
        description: "One row per refund as delivered."
        config: {meta: {contract: {format: csv, key: [refund_id], sequence: refunded_at}}}
        columns:
          - name: refund_id
            description: "Business key of the refund."
            config: {meta: {type: text, required: true}}
          - name: amount
            description: "What was paid back."
            config: {meta: {type: "decimal(18,2)", required: true}}
          - name: refunded_at
            description: "When, UTC."
            config: {meta: {type: instant}}
"""
_STAGING = """
with typed as (
    {{ typed_rows('refunds') }}
)

{{ judged_rows('refunds', 'typed') }}
"""
_STAGING_YML = """
version: 2

models:
  - name: stg_refunds
    description: "One row per refund as delivered that counts."
    config:
      meta:
        amount: "cast(amount as decimal(38, 2))"
        expectations:
          - name: amount_not_positive
            condition: "amount > 0"
            action: quarantine
"""
_ENTITY = """
with newest as (
    {{ newest_rows('refunds') }}
)

select
    newest.refund_id,
    newest.amount,
    newest.refunded_at,
    newest._file_id,
    newest._row_number
from newest
"""
_DELIVERY = """refund_id,amount,refunded_at
R1,10.00,2025-01-15T08:00:00Z
R1,12.50,2025-01-15T09:00:00Z
R2,-3.00,2025-01-15T08:00:00Z
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project's own files, without what was made from them."""
    project = tmp_path / "project"
    project.mkdir()
    for name in ("models", "macros", "seeds", "snapshots", "tests", "orchestration"):
        shutil.copytree(PROJECT_DIR / name, project / name)
    for name in ("dbt_project.yml", "profiles.yml", "requirements.lock"):
        shutil.copyfile(PROJECT_DIR / name, project / name)
    return project


def add(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_a_feed_needs_yaml_and_sql_only(project: Path, tmp_path: Path):
    platform = Platform(tmp_path, project)
    platform.variables |= {
        "DBT_TARGET_PATH": str(project / "target"),
        "DBT_LOG_PATH": str(project / "logs"),
    }
    with platform.up(), platform.instance() as instance:
        platform.until(lambda: platform.skips(instance))
        add(project / "models/bronze/_bronze__sources.yml", _SOURCE)
        settings = project / "dbt_project.yml"
        settings.write_text(settings.read_text().replace("  feeds:\n", "  feeds:\n    - refunds\n"))
        add(project / "models/silver/staging/stg_refunds.sql", _STAGING)
        add(project / "models/silver/staging/stg_refunds.yml", _STAGING_YML)
        add(project / "models/silver/entities/refunds.sql", _ENTITY)
        platform.until(lambda: "sensors and UI know it now" in platform.log.read_text())
        (platform.settings.landing / "refunds_2025_01_15.csv").write_text(_DELIVERY)
        (run,) = platform.until(lambda: [r for r in instance.get_runs() if r.is_finished])
    assert run.status is dg.DagsterRunStatus.SUCCESS
    with duckdb.connect(current_file(platform.settings), read_only=True) as reader:
        accepted = reader.execute("select refund_id, amount::text from silver.refunds").fetchall()
        held_back = reader.execute(
            "select feed, business_key, rejection_reasons from silver.quarantine"
        ).fetchall()
    assert accepted == [("R1", "12.50")]
    assert held_back == [("refunds", "R2", ["amount_not_positive"])]
