"""What runs when.

Belongs here: jobs, and the lock that a run holds from its first step to its last. Does not: what
a step does (`bronze.py`, `dbt_assets.py`).
"""

from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg

from orchestration.settings import Settings
from orchestration.warehouse import writer_lock

JOB = "build"


def build_job() -> Any:
    """Landing to published, in one process: the imports of dbt are paid once."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all(),
        description="Load what is due in landing, build and test everything, publish.",
        executor_def=dg.in_process_executor,
    )


def writer(settings: Settings, report: Callable[[str], None]) -> dg.ResourceDefinition:
    """The writer's lock, held for as long as the run: no other may write between two steps.

    The pool `warehouse` queues runs of one Dagster instance; the lock also keeps `make run` and a
    Dagster of another folder apart.
    """

    @dg.resource(description="The right to write the warehouse.")
    def hold_lock(_: dg.InitResourceContext) -> Iterator[None]:
        with writer_lock(settings, report):
            yield

    return hold_lock
