"""dbt in this process: the project is read once, and again when it is another."""

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
