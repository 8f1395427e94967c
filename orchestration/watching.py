"""Dagster's side of watching: whether feeds arrive in time as asset checks, the sensor of alerts.

Belongs here: the Dagster shell around `freshness.py` and `alerts.py`. Does not: what is late, what
an alert says.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta

import dagster as dg

from orchestration.alerts import observe_failed_run, observe_feeds, send_alerts
from orchestration.contracts import Contract
from orchestration.freshness import late_feeds
from orchestration.run_errors import error_of
from orchestration.settings import Settings

ARRIVAL_CHECK = "arrives_in_time"
_TELLING = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.ENGINE_EVENT}
# A failure that nobody was told of for so long, because no daemon ran, is no news any more.
_NEWS = timedelta(days=1)
_MOST_RUNS = 200


def arrival_checks(contracts: Mapping[str, Contract]) -> list[dg.AssetCheckSpec]:
    """One check per feed that has an expected arrival.

    Dagster's own freshness policies go by materializations, and every load materializes every feed,
    whether a file of it came or not.
    """
    return [
        dg.AssetCheckSpec(
            ARRIVAL_CHECK,
            asset=["bronze", contract.feed],
            description="A delivery is there when its contract expects one, by the wall clock.",
        )
        for contract in contracts.values()
        if contract.expected is not None
    ]


def arrival_results(
    settings: Settings, contracts: Mapping[str, Contract], feeds: Iterable[str], now: datetime
) -> list[dg.AssetCheckEvaluation]:
    """How feeds stand at `now` (with zone); only of those that have an expected arrival."""
    late = late_feeds(settings, contracts, now) or {}
    return [
        dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(["bronze", feed]),
            check_name=ARRIVAL_CHECK,
            passed=feed not in late,
            severity=dg.AssetCheckSeverity.WARN,
            description=late[feed].sentence if feed in late else None,
        )
        for feed in sorted(feeds)
        if contracts[feed].expected is not None
    ]


def alert_sensor(settings: Settings, contracts: Mapping[str, Contract]) -> dg.SensorDefinition:
    """Looks for feeds that are late and runs that failed, and sends alerts that wait."""

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=settings.sensor_interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells of late feeds and failed runs, and sends the alerts of runs.",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return watch(context.instance, settings, contracts, datetime.now(UTC), context.log.warning)

    return alerts


def watch(
    instance: dg.DagsterInstance,
    settings: Settings,
    contracts: Mapping[str, Contract],
    now: datetime,
    report: Callable[[str], None],
) -> dg.SensorResult:
    """One look: what has changed is told once, and shown as checks of the feeds.

    State is in the folder alone: what was told is remembered there, not in a cursor. A run that
    fails like the one before it, as a run that is asked for again may, is no news.
    """
    told = []
    changed = observe_feeds(settings, contracts, told.append, now)
    for run, error in _failures(instance, now):
        observe_failed_run(settings, run.run_id, run.job_name, error, told.append)
    for line in told:
        report(line)
    send_alerts(settings, report)
    return dg.SensorResult(
        skip_reason=f"{len(told)} new alerts." if told else "Nothing new to tell.",
        asset_events=arrival_results(settings, contracts, changed & set(contracts), now),
    )


def _failures(instance: dg.DagsterInstance, now: datetime) -> Iterator[tuple[dg.DagsterRun, str]]:
    """Failed runs, each with what it said; of those that repeat the one before only one a day."""
    # From a midnight on: then no run becomes the first one because time goes on.
    begin = datetime.combine(now.astimezone(UTC).date(), time.min, UTC) - _NEWS

    def ended(status: dg.DagsterRunStatus) -> list[dg.RunRecord]:
        return instance.get_run_records(
            dg.RunsFilter(statuses=[status], updated_after=begin), limit=_MOST_RUNS
        )

    records = ended(dg.DagsterRunStatus.FAILURE)
    if records:
        records = [*records, *ended(dg.DagsterRunStatus.SUCCESS)]
    last: dict[str, tuple[str, date] | None] = {}
    for record in sorted(records, key=lambda one: one.storage_id):
        run, said = record.dagster_run, None
        if run.is_failure:
            logs = instance.all_logs(run.run_id, of_type=_TELLING)
            words = error_of(log.dagster_event for log in logs) or ""
            said = words, record.update_timestamp.astimezone(UTC).date()
            if said != last.get(run.job_name):
                yield run, words
        last[run.job_name] = said
