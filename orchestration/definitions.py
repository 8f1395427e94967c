"""The list of everything that Dagster knows.

Belongs here: putting the parts together. Does not: any part.
"""

from collections.abc import Callable

import dagster as dg

from orchestration.automation import (
    build_job,
    demo_job,
    demo_schedule,
    landing_sensor,
    nightly_schedule,
    writer,
)
from orchestration.bronze import bronze_assets, decision_assets
from orchestration.catalogue import describe_macros_and_tests
from orchestration.contracts import load_contracts
from orchestration.dbt_assets import build_assets, published_asset
from orchestration.dbt_runner import prepare_manifest
from orchestration.forecast.step import forecast_assets
from orchestration.nightly import nightly_job
from orchestration.settings import Settings
from orchestration.steward_jobs import steward_jobs
from orchestration.watching import alert_sensor


def build_definitions(settings: Settings, report: Callable[[str], None]) -> dg.Definitions:
    """All definitions for one warehouse; `report` gets lines for a person while a run goes on.

    Raises ConfigurationError when a contract is wrong or the dbt project does not parse.
    """
    contracts = load_contracts(settings.contracts_file)
    bronze = bronze_assets(settings, contracts, report)
    manifest = prepare_manifest(settings)
    describe_macros_and_tests(manifest, settings.project_dir)
    dbt_build = build_assets(settings, manifest, report)
    job = build_job()
    nightly, demo = nightly_job(settings, manifest, report), demo_job(settings, report)
    return dg.Definitions(
        assets=[
            bronze,
            dbt_build,
            published_asset(settings, dbt_build, report),
            forecast_assets(settings, report),
            *decision_assets(),
        ],
        jobs=[job, nightly, demo, *steward_jobs(settings, report)],
        schedules=[nightly_schedule(settings, nightly), demo_schedule(settings, demo)],
        sensors=[
            landing_sensor(settings, contracts, manifest, job),
            alert_sensor(settings, contracts),
        ],
        resources={"writer": writer(settings, report)},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster dev` loads."""
    return build_definitions(Settings.from_env(), dg.get_dagster_logger().info)
