"""The sensor over landing: it asks when something is due, else says why, and keeps no state."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from landing_zone import NOW, LandingZone, orders_csv

from orchestration.automation import JOB, ask_for_run, landing_sensor
from orchestration.steward import reprocess, retract

FILE = "orders_2025_01_15.csv"

NO_MODELS = {"nodes": {}, "sources": {}}


@pytest.fixture
def zone(tmp_path) -> LandingZone:
    return LandingZone(tmp_path)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def ask(
    instance: dg.DagsterInstance, zone: LandingZone, later: float = 0
) -> dg.RunRequest | dg.SkipReason:
    """What the sensor says `later` seconds from now."""
    now = datetime.now(UTC) + timedelta(seconds=later)
    return ask_for_run(instance, zone.settings, zone.contracts, now)


def fail(instance: dg.DagsterInstance, times: int = 1) -> None:
    """Put failed runs of the job on record."""

    for _ in range(times):
        result = job_that_breaks().execute_in_process(instance=instance, raise_on_error=False)
        assert not result.success


def job_that_breaks() -> dg.JobDefinition:
    @dg.op
    def breaks() -> None:
        raise RuntimeError("broken for the test")

    @dg.job(name=JOB)
    def job() -> None:
        breaks()

    return job


def job_that_does_nothing() -> dg.JobDefinition:
    @dg.op
    def rests() -> None:
        return None

    @dg.job(name=JOB)
    def job() -> None:
        rests()

    return job


def test_an_empty_landing_is_skipped_with_a_sentence(instance, zone):
    assert ask(instance, zone) == dg.SkipReason("Landing is empty.")


def test_several_files_are_one_run_without_a_key_that_could_swallow_it(instance, zone):
    zone.drop(FILE, orders_csv("1"))
    zone.drop("orders_2025_01_16.csv", orders_csv("2"))
    request = ask(instance, zone)
    assert isinstance(request, dg.RunRequest)
    assert request.run_key is None


def test_a_file_that_is_still_written_is_not_taken(instance, tmp_path):
    zone = LandingZone(tmp_path, settle_seconds=60)
    zone.drop(FILE, orders_csv("1"), age=0)
    assert "still being written" in ask(instance, zone).skip_message


def test_what_was_loaded_is_not_asked_for_again_and_an_older_file_is(instance, zone):
    zone.drop("orders_2025_01_16.csv", orders_csv("2"))
    zone.load()
    assert isinstance(ask(instance, zone), dg.SkipReason)
    zone.drop(FILE, orders_csv("1"), age=86400)
    assert isinstance(ask(instance, zone), dg.RunRequest)


def test_a_discarded_file_is_not_asked_for_again(instance, zone):
    zone.drop(FILE, "")
    zone.load()
    assert isinstance(ask(instance, zone), dg.SkipReason)


def test_a_waiting_batch_is_left_until_its_file_comes(instance, zone):
    zone.drop_trigger("trigger_2025_01_15.json", FILE)
    zone.load()
    assert "waits for the rest of the batch" in ask(instance, zone, _since_load()).skip_message
    zone.drop(FILE, orders_csv("1"))
    assert isinstance(ask(instance, zone, _since_load()), dg.RunRequest)


def _since_load() -> float:
    """Seconds from now back to the zone's own clock, at which the batch is not late yet."""
    return NOW.timestamp() - time.time()


def test_while_a_run_is_under_way_no_second_one_is_asked_for(instance, zone):
    zone.drop(FILE, orders_csv("1"))
    run = dg.DagsterRun(job_name=JOB, status=dg.DagsterRunStatus.STARTED)
    instance.add_run(run)
    assert f"Run {run.run_id} is not over yet" in ask(instance, zone).skip_message


def test_it_asks_again_after_a_failed_run_with_a_growing_pause(instance, zone):
    zone.drop(FILE, orders_csv("1"))
    fail(instance)
    assert "The last run failed; the next one is asked for at" in ask(instance, zone).skip_message
    assert isinstance(ask(instance, zone, later=61), dg.RunRequest)
    fail(instance, times=2)
    assert isinstance(ask(instance, zone, later=200), dg.SkipReason)
    assert isinstance(ask(instance, zone, later=241), dg.RunRequest)


def test_a_failed_run_is_asked_for_again_also_when_it_left_nothing_in_landing(instance, zone):
    fail(instance)
    assert ask(instance, zone).skip_message.startswith("Landing is empty. The last run failed;")
    assert isinstance(ask(instance, zone, later=61), dg.RunRequest)


def test_a_run_that_somebody_ended_is_asked_for_again(instance, zone):
    instance.add_run(dg.DagsterRun(job_name=JOB, status=dg.DagsterRunStatus.CANCELED))
    assert isinstance(ask(instance, zone, later=61), dg.RunRequest)


def sensor_of(zone: LandingZone, interval: int) -> dg.SensorDefinition:
    settings = replace(zone.settings, sensor_interval_seconds=interval)
    return landing_sensor(settings, zone.contracts, NO_MODELS, job_that_does_nothing())


def test_a_file_that_lands_during_a_tick_is_asked_for_in_it(instance, zone):
    drop = threading.Timer(0.5, zone.drop, [FILE, orders_csv("1")])
    drop.start()
    with dg.build_sensor_context(instance=instance) as context:
        began = time.monotonic()
        assert isinstance(sensor_of(zone, interval=5)(context), dg.RunRequest)
    assert time.monotonic() - began < 10
    drop.join()


def test_a_tick_ends_before_the_next_one_is_due(instance, zone):
    with dg.build_sensor_context(instance=instance) as context:
        began = time.monotonic()
        assert sensor_of(zone, interval=2)(context) == dg.SkipReason("Landing is empty.")
    assert 0.5 <= time.monotonic() - began < 2


def test_a_restarted_daemon_and_a_reset_sensor_skip_nothing_and_double_nothing(instance, zone):
    sensor = sensor_of(zone, interval=1)

    def tick(cursor: str | None) -> dg.RunRequest | None:
        with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
            answer = sensor(context)
            assert context.cursor == cursor
        return answer if isinstance(answer, dg.RunRequest) else None

    zone.drop("orders_2025_01_16.csv", orders_csv("2"))
    assert tick(None)
    zone.load()
    assert tick(None) is None
    assert tick("left by something else") is None
    zone.drop(FILE, orders_csv("1"), age=86400)
    assert tick(None)


def test_a_retraction_is_asked_for_once(instance, zone):
    zone.drop(FILE, orders_csv("1"))
    zone.load()
    retract(zone.settings, FILE, "a test export")
    request = ask(instance, zone)
    assert isinstance(request, dg.RunRequest)
    zone.load()
    assert ask(instance, zone) == dg.SkipReason("Landing is empty.")


def test_a_discarded_file_that_goes_back_is_asked_for(instance, zone):
    zone.drop(FILE, "")
    zone.load()
    assert isinstance(ask(instance, zone), dg.SkipReason)
    reprocess(zone.settings, FILE, "looked at by hand")
    assert isinstance(ask(instance, zone), dg.RunRequest)


def test_the_pause_ends_at_an_hour(instance, zone):
    zone.drop(FILE, orders_csv("1"))
    fail(instance, times=10)
    assert isinstance(ask(instance, zone, later=3601), dg.RunRequest)


def test_a_clock_that_was_set_back_keeps_no_run_waiting(instance, zone, monkeypatch):
    zone.drop(FILE, orders_csv("1"))
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda clock=time.time: clock() + 86_400)
        fail(instance)
    (record,) = instance.get_run_records()
    assert record.end_time > time.time() + 86_000
    assert isinstance(ask(instance, zone), dg.RunRequest)
    fail(instance)
    assert "The last 2 runs failed" in ask(instance, zone).skip_message
    assert isinstance(ask(instance, zone, later=121), dg.RunRequest)
