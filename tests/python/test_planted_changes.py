"""Tests of the project's own tests: what somebody changes by hand is caught.

Every column of every gold table is changed in `test_gold_plants.py`.
"""

import shutil

import duckdb
import pytest
from warehouse import Warehouse, assert_passed

from orchestration.demo import generate


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Warehouse:
    warehouse = Warehouse.at(tmp_path_factory.mktemp("planted"))
    generate(warehouse.settings.landing, days=2, orders=60)
    warehouse.load()
    assert_passed(warehouse.build())
    warehouse.ask("checkpoint")
    return warehouse


PLANTED = {
    "an amount in gold": "update gold.fact_sales set net_amount = net_amount + 0.01"
    " where item_id = (select min(item_id) from gold.fact_sales)",
    "a row less in bronze": "delete from bronze.orders where _row_number = 1"
    " and _file_id = (select min(_file_id) from bronze.orders)",
    "a key twice in silver": "insert into silver.orders from silver.orders limit 1",
    "a row less in silver": "delete from silver.payments where transaction_id ="
    " (select min(transaction_id) from silver.payments)",
    "a history with an overlap": "update snapshots.products_history set valid_to = null"
    " where valid_to is not null and dbt_valid_to is null",
}


@pytest.fixture
def tampered(built, tmp_path):
    """The built warehouse, put back as it was afterwards."""
    untouched = shutil.copy(built.settings.warehouse, tmp_path)
    yield built
    shutil.copy(untouched, built.settings.warehouse)


@pytest.mark.parametrize("planted", PLANTED)
def test_is_caught(tampered, planted):
    connection = duckdb.connect(str(tampered.settings.warehouse))
    (changed,) = connection.execute(PLANTED[planted]).fetchone()
    connection.close()
    assert changed > 0

    result = tampered.dbt("test", "--exclude", "test_type:unit")
    assert not result.success
    assert [row for row in result.result if row.status == "fail"]
