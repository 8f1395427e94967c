"""A person in Dagster's PostgreSQL: taken out of every text, and nothing else changes."""

import dagster as dg
import pytest
from running_platform import postgres, with_postgres
from sqlalchemy import create_engine, text

from orchestration.erasure.run_store import clear_run_store
from orchestration.erasure.traces import Traces
from orchestration.instance import dagster_home
from orchestration.settings import Settings

ANN = Traces.of("C-7", ["ann.lee7@example.com", "+49 30 1234", "Annelise"])
BOB = "bob.ray9@example.com"


def test_no_text_of_a_real_postgresql_keeps_a_telling_value(tmp_path, monkeypatch):
    @dg.op
    def tells(context: dg.OpExecutionContext) -> None:
        context.log.info(f"{BOB} wrote to ann.lee7@example.com")
        raise RuntimeError("Could not convert '+49 30 1234'")

    @dg.job(tags={"asked_by": "ANN.LEE7@example.com"})
    def job() -> None:
        tells()

    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    with postgres() as url, with_postgres(url):
        home = dagster_home(Settings(data_dir=tmp_path / "data"))
        with dg.DagsterInstance.from_config(str(home)) as instance:
            run = job.execute_in_process(instance=instance, raise_on_error=False)
            assert {"ann.lee7", "30 1234"} <= _found(url)
            before = len(instance.all_logs(run.run_id))

            assert clear_run_store(ANN) > 2
            assert clear_run_store(ANN) == 0

            assert _found(url) == {"bob.ray9"}
            logs = [entry.user_message for entry in instance.all_logs(run.run_id)]
            assert len(logs) == before
            assert f"{BOB} wrote to erased" in logs


def _found(url: str) -> set[str]:
    """Which of some texts stand anywhere in the database, whatever their case."""
    with create_engine(url.replace("postgresql:", "postgresql+psycopg2:")).connect() as connection:
        whole = "".join(
            connection.execute(text(f"select coalesce(string_agg(t::text, ''), '') from {table} t"))
            .scalar_one()
            .lower()
            for (table,) in connection.execute(
                text(
                    "select table_name from information_schema.tables where table_schema = 'public'"
                )
            ).fetchall()
        )
    return {one for one in ("ann.lee7", "30 1234", "bob.ray9") if one in whole}


def test_where_runs_are_stored_in_sqlite_there_is_nothing_to_do(monkeypatch):
    monkeypatch.delenv("DAGSTER_POSTGRES_URL", raising=False)
    assert clear_run_store(ANN) == 0


def test_a_database_that_cannot_be_reached_is_told_in_a_sentence(tmp_path):
    url = f"postgresql+psycopg2://nobody@/postgres?host={tmp_path}"
    with with_postgres(url), pytest.raises(OSError, match=r"DAGSTER_POSTGRES_URL.*erase again"):
        clear_run_store(ANN)
