"""Which models an event runs, on the real project's graph."""

import json
from datetime import date

import pytest

from orchestration.affected import affected_models, expected_models
from orchestration.builds import Changed, what_changed
from orchestration.contracts import load_contracts
from orchestration.dbt_runner import prepare_manifest
from orchestration.settings import Settings

EVERY_TIME = {"deliveries", "files_that_count", "business_clock"}


@pytest.fixture(scope="module")
def manifest(scratch):
    return prepare_manifest(Settings(data_dir=scratch / "data"))


def affected(manifest, *feeds: str, clock_moved: bool = False) -> set[str]:
    return set(affected_models(manifest, Changed(frozenset(feeds), clock_moved)))


def test_a_feed_runs_its_own_way_to_gold(manifest):
    found = affected(manifest, "shipments")

    assert {"stg_shipments", "shipments", "fact_shipments", "fact_orders", "quarantine"} <= found
    assert not found & {"stg_orders", "orders", "fact_sales", "dim_customer", "customers_history"}
    assert found >= EVERY_TIME


def test_a_ledger_in_which_other_files_count_no_more_than_before_runs_its_readers(manifest):
    found = affected(manifest)

    assert found >= EVERY_TIME | {"file_ledger"}
    assert not found & {"stg_orders", "orders", "quarantine", "fact_orders", "dim_customer"}


def test_a_parent_runs_what_it_may_release(manifest):
    found = affected(manifest, "customers")

    assert {"known_customers", "stg_orders", "fact_sales", "customers_history"} <= found


def test_the_clock_runs_what_depends_on_today_and_no_staging(manifest):
    found = affected(manifest, clock_moved=True) - affected(manifest)

    assert {"dim_customer", "customer_rfm", "fact_shipments"} <= found
    assert not {name for name in found if name.startswith("stg_")}


def test_all_feeds_and_the_clock_run_every_model(manifest):
    feeds = load_contracts(Settings(data_dir=".").contracts_file)
    every_model = {
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "snapshot")
    }
    assert every_model - affected(manifest, *feeds, clock_moved=True) == {"lookup_values"}


def test_what_changed_is_told_by_feed():
    def built(project: str, clock: str, **feeds: str) -> str:
        return json.dumps({"project": project, "clock": clock, "feeds": feeds})

    before = built("p", "2025-01-01", orders="a", payments="b")
    assert what_changed(before, before) == Changed(frozenset(), False)
    now = built("p", "2025-01-02", orders="c", payments="b", customers="d")
    assert what_changed(before, now) == Changed(frozenset({"orders", "customers"}), True)
    assert what_changed(now, before) == Changed(frozenset({"orders", "customers"}), True)
    assert what_changed(before, built("q", "2025-01-01", orders="a", payments="b")) is None


def test_landing_tells_what_to_expect(built, manifest, tmp_path):
    contracts = load_contracts(built.settings.contracts_file)
    settings = Settings(data_dir=tmp_path)
    settings.landing.mkdir()
    (settings.landing / "shipments_2025_01_01.csv").touch()
    today = date(2025, 6, 1)
    assert expected_models(settings, contracts, manifest, today) is None

    settings.published.symlink_to(built.settings.published)
    expected = set(expected_models(settings, contracts, manifest, today))
    assert expected == affected(manifest, "shipments")

    (settings.landing / "shipments_2025_05_30.csv").touch()
    expected = set(expected_models(settings, contracts, manifest, today))
    assert expected == affected(manifest, "shipments", clock_moved=True)


def test_a_fingerprint_of_an_earlier_version_means_that_anything_may_have_changed():
    assert what_changed("6d0c8f", json.dumps({"project": "p", "clock": "1", "feeds": {}})) is None
