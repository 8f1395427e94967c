"""A stranger adds a feed by the README's checklist: YAML and SQL only, in a copy of the project."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

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
    add(project / "models/bronze/_bronze__sources.yml", _SOURCE)
    settings = project / "dbt_project.yml"
    settings.write_text(settings.read_text().replace("  feeds:\n", "  feeds:\n    - refunds\n"))
    add(project / "models/silver/staging/stg_refunds.sql", _STAGING)
    add(project / "models/silver/staging/stg_refunds.yml", _STAGING_YML)
    add(project / "models/silver/entities/refunds.sql", _ENTITY)
    landing = tmp_path / "data" / "landing"
    landing.mkdir(parents=True)
    (landing / "refunds_2025_01_15.csv").write_text(_DELIVERY)

    own = {
        "DATA_DIR": str(tmp_path / "data"),
        "DAGSTER_HOME": str(tmp_path / "dagster"),
        "DBT_TARGET_PATH": str(project / "target"),
        "DBT_LOG_PATH": str(project / "logs"),
        "SETTLE_SECONDS": "0",
    }
    run = subprocess.run(
        [sys.executable, "-m", "orchestration", "run"],
        cwd=project,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    with duckdb.connect(tmp_path / "data/published/orderhouse.duckdb", read_only=True) as reader:
        accepted = reader.execute("select refund_id, amount::text from silver.refunds").fetchall()
        held_back = reader.execute(
            "select feed, business_key, rejection_reasons from silver.quarantine"
        ).fetchall()
    assert accepted == [("R1", "12.50")]
    assert held_back == [("refunds", "R2", ["amount_not_positive"])]
