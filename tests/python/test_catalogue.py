"""Everything is described, everybody's: names of what is not; and where columns come from."""

import copy
import os

import duckdb
import pytest

from orchestration.catalogue import columns_of_warehouse, complete, lineage, undescribed
from orchestration.catalogue import write_docs as write
from orchestration.dbt_runner import prepare_manifest
from orchestration.publish import current_file
from orchestration.published_tables import _APPENDED
from orchestration.settings import PROJECT_DIR


@pytest.fixture(scope="module")
def columns(built) -> dict[str, list[str]]:
    return columns_of_warehouse(built.settings)


@pytest.fixture(scope="module")
def manifest(built, columns) -> dict:
    manifest = prepare_manifest(built.settings)
    complete(manifest, columns, PROJECT_DIR)
    return manifest


def test_every_table_column_macro_test_and_exposure_is_described(manifest, columns):
    assert undescribed(manifest, columns) == []
    tables = {name for name in columns if name.partition(".")[0] in ("gold", "silver", "seeds")}
    assert len(tables) > 50


def test_every_published_table_and_column_is_described(built, manifest):
    published: dict[str, list[str]] = {}
    with duckdb.connect(current_file(built.settings), read_only=True) as connection:
        for table, column in connection.execute(
            "select table_schema || '.' || table_name, column_name from information_schema.columns"
        ).fetchall():
            published.setdefault(table, []).append(column)
    assert "audit.published" in published
    assert undescribed(manifest, published) == []


def test_what_is_published_by_appending_is_what_its_description_says(manifest):
    said = {
        f"{node['schema']}.{node['alias']}": node["config"]["meta"]["appended_by"]
        for node in manifest["nodes"].values()
        if "appended_by" in node["config"]["meta"]
    }
    assert said == _APPENDED


def test_what_is_not_described_is_named(manifest, columns):
    manifest, columns = copy.deepcopy(manifest), dict(columns)
    project = manifest["metadata"]["project_name"]
    manifest["nodes"][f"model.{project}.fact_sales"]["columns"]["quantity"]["description"] = ""
    manifest["macros"][f"macro.{project}.mask_phone"]["description"] = ""
    manifest["exposures"][f"exposure.{project}.dashboard"]["description"] = ""
    manifest["nodes"][f"seed.{project}.currencies"]["meta"] = {}
    columns["silver.stg_orders"] = [*columns["silver.stg_orders"], "added_by_hand"]
    columns["gold.left_over"] = ["column"]
    assert sorted(undescribed(manifest, columns)) == [
        "exposure dashboard",
        "gold.fact_sales.quantity",
        "macro mask_phone",
        "owner of seeds.currencies",
        "silver.stg_orders.added_by_hand",
        "table gold.left_over",
    ]


def test_personal_data_and_owners_are_marked(manifest):
    project = manifest["metadata"]["project_name"]
    source = manifest["sources"][f"source.{project}.bronze.customers"]
    email = source["columns"]["email"]
    assert (source["tags"], email["tags"]) == (["pii"], ["pii"])
    assert email["description"].startswith("**Personal data.** E-mail address.")
    assert manifest["nodes"][f"model.{project}.fact_sales"]["meta"]["owner"] == "Analytics"
    assert source["meta"]["owner"] == "Data platform"
    staged = manifest["nodes"][f"model.{project}.stg_customers"]
    assert (
        staged["columns"]["loyalty_tier"]["description"]
        == (source["columns"]["loyalty_tier"]["description"])
    )


def test_a_column_is_traced_to_what_it_is_computed_of():
    node = {
        "database": "warehouse",
        "schema": "gold",
        "alias": "sales",
        "compiled_code": """
            with lines as (select order_id, quantity * price as amount from warehouse.silver.items)
            select orders.day, sum(lines.amount) as amount, count(*) as lines, 1 as one
            from lines inner join warehouse.silver.orders as orders using (order_id)
            where orders.status = 'done' group by orders.day
        """,
    }
    columns = {
        "gold.sales": ["day", "amount", "lines", "one"],
        "silver.items": ["order_id", "quantity", "price"],
        "silver.orders": ["order_id", "day", "status"],
    }
    traced = lineage(node, columns)
    assert traced["day"] == ["silver.orders.day"]
    assert traced["amount"] == ["silver.items.price", "silver.items.quantity"]
    assert traced["one"] == []


def test_docs_are_one_page_with_descriptions_owners_and_lineage(copy_of_built):
    lines: list[str] = []
    page = write(copy_of_built(), lines.append).read_text(encoding="utf-8")
    assert "From: gold.dim_product.cost_price, silver.order_items.quantity." in page
    assert "A phone number with all but its last two digits masked" in page
    assert "**Personal data.** Family name." in page
    assert "Data stewards" in page
    assert str(PROJECT_DIR) not in page
    assert os.environ["DBT_TARGET_PATH"] not in page
    assert lines == ["Tracing columns to where they come from."]
