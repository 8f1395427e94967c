"""Tests of the project's own tests: what somebody changes by hand is caught."""

import shutil

import duckdb
import pytest
from warehouse import Warehouse

from orchestration.demo import generate


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Warehouse:
    warehouse = Warehouse.at(tmp_path_factory.mktemp("planted"))
    generate(warehouse.settings.landing, days=2, orders=60)
    warehouse.load()
    assert warehouse.build().success
    return warehouse


PLANTED = {
    "an amount in gold": "update gold.fact_sales set net_amount = net_amount + 0.01"
    " where item_id = (select min(item_id) from gold.fact_sales)",
    "a key in gold": "update gold.fact_orders set customer_key = '-1'"
    " where order_id = (select min(order_id) from gold.fact_orders)",
    "a segment in a mart": "update gold.customer_orders set customer_segment = 'VIP'"
    " where customer_id = (select min(customer_id) from gold.customer_orders"
    " where customer_segment <> 'VIP')",
    "a name in a dimension": "update gold.dim_product set product_name = 'x'"
    " where product_id = (select min(product_id) from gold.dim_product)",
    "a row less in gold": "delete from gold.fact_payments where transaction_id ="
    " (select min(transaction_id) from gold.fact_payments)",
    "a day's figure": "update gold.agg_daily_sales set orders = orders + 1"
    " where date_day = (select min(date_day) from gold.agg_daily_sales)",
    "a row less in bronze": "delete from bronze.orders where _row_number = 1"
    " and _file_id = (select min(_file_id) from bronze.orders)",
    "a key twice in silver": "insert into silver.orders from silver.orders limit 1",
    "a row less in silver": "delete from silver.payments where transaction_id ="
    " (select min(transaction_id) from silver.payments)",
    "a history with an overlap": "update snapshots.products_history set valid_to = null"
    " where valid_to is not null and dbt_valid_to is null",
}


@pytest.mark.parametrize("planted", PLANTED)
def test_is_caught(built, tmp_path, planted):
    warehouse = Warehouse.at(tmp_path)
    warehouse.settings.warehouse.parent.mkdir(parents=True)
    shutil.copy(built.settings.warehouse, warehouse.settings.warehouse)
    connection = duckdb.connect(str(warehouse.settings.warehouse))
    (changed,) = connection.execute(PLANTED[planted]).fetchone()
    connection.close()
    assert changed > 0

    result = warehouse.dbt("test", "--exclude", "test_type:unit")
    assert not result.success
    assert [row for row in result.result if row.status == "fail"]
