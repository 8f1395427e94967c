"""dbt in this process: the project is read once, and again when it is another; what it logs."""

import os
from datetime import date

from warehouse import Warehouse

from orchestration.dbt_runner import RESULTS, invoke, target_dir


def test_the_project_is_read_once_until_it_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    warehouse = Warehouse.with_own_project(tmp_path)
    settings = warehouse.settings
    warehouse.load()
    parsed = target_dir(settings) / "partial_parse.msgpack"

    def seed() -> list[dict]:
        ended: list[dict] = []
        run = invoke(settings, ["seed", "--select", "currencies"], ended.append)
        assert run.succeeded, run.reasons()
        return ended

    (event,) = seed()
    assert event["info"]["name"] in RESULTS
    assert event["data"]["node_info"]["node_name"] == "currencies"
    parsed.unlink()
    seed()
    assert not parsed.exists()

    warehouse.edit("dbt_project.yml", "name: orderhouse", "name: orderhouse # edited")
    seed()
    assert parsed.exists()


def test_its_log_has_each_statement_only_if_one_wants_it(tmp_path, monkeypatch):
    for name in ("DBT_TARGET_PATH", "DBT_LOG_PATH"):
        monkeypatch.setenv(name, str(tmp_path / name))
    settings = Warehouse.with_own_project(tmp_path).settings

    def logged() -> str:
        run = invoke(settings, ["seed", "--select", "currencies"])
        assert run.succeeded, run.reasons()
        return (tmp_path / "DBT_LOG_PATH" / "dbt.log").read_text(encoding="utf-8")

    told = logged()
    assert "seed file seeds.currencies" in told and "On seed.orderhouse.currencies" not in told
    monkeypatch.setenv("DBT_LOG_LEVEL_FILE", "debug")
    assert "On seed.orderhouse.currencies" in logged()


def test_variables_of_dbt_that_a_shell_has_change_no_build(tmp_path, monkeypatch):
    warehouse = Warehouse.at(tmp_path)
    warehouse.drop_rows("customers_2025_01_14.ndjson", [{"customer_id": "1"}])
    warehouse.load()
    foreign = {
        "DBT_INDIRECT_SELECTION": "empty",
        "DBT_EMPTY": "1",
        "DBT_RESOURCE_TYPES": "model",
        "DBT_TARGET": "prod",
        "DBT_PROFILE": "another",
        "DBT_ENGINE_FULL_REFRESH": "1",
    }
    for name, value in foreign.items():
        monkeypatch.setenv(name, value)

    ended: list[dict] = []
    args = ["--exclude-resource-type", "unit_test", "--exclude", "test_type:singular"]
    build = ["build", "--select", "+business_clock", *args]
    run = invoke(warehouse.settings, build, ended.append)

    assert run.succeeded, run.reasons()
    assert warehouse.ask("from silver.business_clock") == [(date(2025, 1, 14),)]
    assert "LogTestResult" in {event["info"]["name"] for event in ended}
    assert foreign.items() <= os.environ.items()


def test_a_project_may_lie_in_a_folder_with_an_apostrophe(tmp_path):
    warehouse = Warehouse.with_own_project(tmp_path / "the shop's")
    run = invoke(warehouse.settings, ["seed", "--select", "currencies"])
    assert run.succeeded, run.reasons()
    assert warehouse.ask("select count(*) > 1 from seeds.currencies") == [(True,)]
