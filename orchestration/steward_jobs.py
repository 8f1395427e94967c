"""What only a person decides, as jobs of the Dagster UI: one typed form each.

Belongs here: the forms. Does not: what they do (`steward.py`).
"""

from collections.abc import Callable

import dagster as dg
from pydantic import Field

from orchestration import steward
from orchestration.settings import ConfigurationError, Settings

_WHY = Field(description="Kept with the decision, for who asks later.")


class Release(dg.Config):
    """A held batch and why it is taken as it is."""

    batch: str = Field(description="The batch, as status and the alert name it.")
    why: str = _WHY


class Target(dg.Config):
    """A file or a batch, and why what counts of it changes."""

    target: str = Field(description="A file's name, or a batch, as in bronze.files.")
    why: str = _WHY


class Reprocess(dg.Config):
    """A discarded file and why it is looked at again."""

    file: str = Field(description="The file's name, as in bronze.files or discarded/.")
    why: str = _WHY


class Rollback(dg.Config):
    """A version that is still kept."""

    version: int | None = Field(
        default=None, description="Number of the version; empty: the one before the current."
    )


def steward_jobs(settings: Settings, report: Callable[[str], None]) -> list[dg.JobDefinition]:
    """One job for each decision, named like the command; `report` gets what became of it."""
    return [
        _job("release", Release, steward.release, settings, report),
        _job("retract", Target, steward.retract, settings, report),
        _job("restore", Target, steward.restore, settings, report),
        _job("reprocess", Reprocess, steward.reprocess, settings, report),
        _job("rollback", Rollback, steward.rollback, settings, report),
    ]


def _job(
    name: str,
    form: type[dg.Config],
    decide: Callable[..., list[str]],
    settings: Settings,
    report: Callable[[str], None],
) -> dg.JobDefinition:
    description = (decide.__doc__ or "").partition("\n")[0]

    # A job and its op may not share a name.
    @dg.op(
        name=f"decide_{name}",
        description=description,
        pool="warehouse",
        required_resource_keys={"writer"},
    )
    def decision(config: form) -> None:
        try:
            for line in decide(settings, **config.model_dump()):
                report(line)
        except ConfigurationError as error:
            raise dg.Failure(str(error), allow_retries=False) from None

    @dg.job(name=name, description=description, executor_def=dg.in_process_executor)
    def job() -> None:
        decision()

    return job
