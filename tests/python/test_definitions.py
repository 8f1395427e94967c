"""What Dagster is told: assets, checks, the job."""

import json
from pathlib import Path

import dagster as dg
import msgpack
import pytest

from orchestration.automation import JOB
from orchestration.bronze import BUILDS, DECISIONS
from orchestration.contracts import load_contracts
from orchestration.dbt_assets import PUBLISHED
from orchestration.dbt_runner import target_dir
from orchestration.definitions import build_definitions

FORECAST = {dg.AssetKey(["forecast", name]) for name in ("sales_forecast", "forecast_accuracy")}


@pytest.fixture(scope="module")
def definitions(built) -> dg.Definitions:
    return build_definitions(built.settings, print)


@pytest.fixture(scope="module")
def graph(definitions):
    return definitions.resolve_asset_graph()


@pytest.fixture(scope="module")
def manifest(built) -> dict:
    return json.loads(Path(target_dir(built.settings), "manifest.json").read_text())


def test_definitions_load(definitions):
    dg.Definitions.validate_loadable(definitions)


def test_every_source_has_a_producing_asset(graph, manifest):
    sources = {
        dg.AssetKey([source["source_name"], source["name"]])
        for source in manifest["sources"].values()
    }
    assert sources
    # In the published files alone, with which it is made.
    sources.remove(dg.AssetKey(["audit", "published"]))
    # Decisions are made by people and the circuit breaker, not by a step.
    assert sources - graph.materializable_asset_keys == set(DECISIONS)
    assert sources <= graph.get_all_asset_keys()


def test_every_feed_model_seed_and_snapshot_is_an_asset_in_the_group_of_its_layer(
    built, graph, manifest
):
    expected = {(feed, "bronze") for feed in load_contracts(built.settings.contracts_file)} | {
        (node["name"], node["fqn"][1] if node["resource_type"] == "model" else folder)
        for node in manifest["nodes"].values()
        for folder in [f"{node['resource_type']}s"]
        if node["resource_type"] in ("model", "seed", "snapshot")
    }
    found = {(key.path[-1], graph.get(key).group_name) for key in graph.materializable_asset_keys}
    assert expected <= found


def test_seeds_and_bronze_are_upstream_of_published(graph):
    upstream, todo = set(), [PUBLISHED]
    while todo:
        for parent in graph.get(todo.pop()).parent_keys - upstream:
            upstream.add(parent)
            todo.append(parent)
    assert upstream | {PUBLISHED} >= graph.materializable_asset_keys - {
        # Read by people and by later builds; no model needs them.
        BUILDS,
        dg.AssetKey(["bronze", "batches"]),
        dg.AssetKey(["bronze", "rejected_rows"]),
        # Made at night, from what was built.
        *FORECAST,
    }


def test_tests_of_models_and_of_sources_are_asset_checks(graph, manifest):
    checked = {key.asset_key for key in graph.asset_check_keys}
    tests = {node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "test"}
    assert tests
    # A singular test of several relations is one only if its meta names an asset.
    assert tests <= {key.name for key in graph.asset_check_keys}
    assert dg.AssetKey(["bronze", "files"]) in checked
    assert dg.AssetKey(["silver", "orders"]) in checked
    assert dg.AssetKey(["gold", "fact_sales"]) in checked


def test_a_check_says_what_its_test_does(graph):
    said = {key.name: graph.get_check_spec(key).description for key in graph.asset_check_keys}
    assert said["every_record_is_in_bronze_or_rejected"].startswith("Conservation, from file to")
    assert said["unique_key_stg_orders__file_id___row_number"].startswith("A key of one or more")
    assert not said["not_null_fact_orders_order_date_key"]


def test_one_job_does_it_all_and_every_writing_step_is_in_the_pool(definitions, graph):
    job = definitions.resolve_job_def(JOB)
    assert set(job.asset_layer.executable_asset_keys) == graph.materializable_asset_keys - FORECAST
    pools = {node.name: node.definition.pool for node in job.nodes}
    assert pools == {"bronze": "warehouse", "dbt_build": "warehouse", "published": "warehouse"}


def test_dbt_can_read_back_what_it_parsed(built):
    """One YAML key that is no text costs a whole parse at every command, without a word."""
    parsed = Path(target_dir(built.settings), "partial_parse.msgpack").read_bytes()
    assert msgpack.unpackb(parsed)["nodes"]
