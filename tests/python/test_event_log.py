"""Dagster's events, written by our storage and read by Dagster's own."""

import os
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from orchestration.instance import dagster_home, open_instance
from orchestration.settings import ConfigurationError, Settings


@dg.asset(check_specs=[dg.AssetCheckSpec("is_there", asset="table")])
def table() -> dg.MaterializeResult:
    return dg.MaterializeResult(
        metadata={"rows": 3}, check_results=[dg.AssetCheckResult(passed=True)]
    )


def _instance(tmp_path: Path, monkeypatch) -> dg.DagsterInstance:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return dg.DagsterInstance.from_config(str(dagster_home(Settings(tmp_path))))


def test_events_stand_in_dagsters_own_files(tmp_path, monkeypatch):
    with _instance(tmp_path, monkeypatch) as instance:
        result = dg.materialize([table], instance=instance)
        written = [entry.dagster_event_type for entry in instance.all_logs(result.run_id)]

    plain = SqliteEventLogStorage(str(tmp_path / "history" / "runs"))
    read = [entry.dagster_event_type for entry in plain.get_logs_for_run(result.run_id)]
    assert dg.DagsterEventType.ASSET_CHECK_EVALUATION in read
    assert read == written
    latest = plain.get_latest_materialization_events([dg.AssetKey("table")])[dg.AssetKey("table")]
    assert latest.asset_materialization.metadata["rows"].value == 3


def test_a_forked_process_opens_its_own_connections(tmp_path, monkeypatch):
    with _instance(tmp_path, monkeypatch) as instance:
        first = dg.materialize([table], instance=instance)
        child = os.fork()
        if not child:
            os._exit(0 if dg.materialize([table], instance=instance).success else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert dg.materialize([table], instance=instance).success
        assert len(instance.get_runs()) == 3
        assert instance.all_logs(first.run_id)


@pytest.mark.parametrize("url", ["a database", "mysql://u:secret@host/runs"])
def test_an_address_that_is_none_of_postgresql_is_a_sentence(tmp_path, monkeypatch, url):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", url)
    with (
        pytest.raises(ConfigurationError, match=r"where DAGSTER_POSTGRES_URL says.*postgresql://"),
        open_instance(Settings(tmp_path)),
    ):
        pass
