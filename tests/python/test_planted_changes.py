"""Tests of the project's own tests: what somebody changes by hand is caught.

Any column of any gold table by that table's `equals_its_recomputation`, as dbt compiled it; what is
typical elsewhere by the test that is there for it.
"""

import shutil
from datetime import date

import duckdb
import pytest
from warehouse import Warehouse, assert_passed

from orchestration.demo import generate
from orchestration.forecast.tables import TABLES as FORECAST

# A value that differs from what stands there, by type.
OTHER_VALUES = {
    "VARCHAR": "coalesce({column}, '') || 'x'",
    "BOOLEAN": "not coalesce({column}, false)",
    "DATE": "coalesce({column} + 1, date '2000-01-01')",
    "TIMESTAMP": "coalesce({column} + interval 1 microsecond, timestamp '2000-01-01')",
    "DOUBLE": "coalesce({column} + 1e-6, 0)",
}
# What somebody does → how it is done, and the test that is there for it.
PLANTED = {
    "an amount in gold": (
        "update gold.fact_sales set net_amount = net_amount + 0.01"
        " where item_id = (select min(item_id) from gold.fact_sales)",
        "sales_amounts_are_those_of_silver",
    ),
    "a row less in bronze": (
        "delete from bronze.orders where _row_number = 1"
        " and _file_id = (select min(_file_id) from bronze.orders)",
        "every_record_is_in_bronze_or_rejected",
    ),
    "a key twice in silver": (
        "insert into silver.orders from silver.orders limit 1",
        "unique_key_orders_order_id",
    ),
    "a row less in silver": (
        "delete from silver.payments where transaction_id ="
        " (select min(transaction_id) from silver.payments)",
        "holds_every_accepted_key_payments_payments",
    ),
    "a history with an overlap": (
        "update snapshots.products_history set valid_to = null"
        " where valid_to is not null and dbt_valid_to is null",
        "intervals_do_not_overlap_products_history_dbt_valid_to_is_null__product_id",
    ),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Warehouse:
    warehouse = Warehouse.at(tmp_path_factory.mktemp("plants"))
    # Over a Sunday, after which there are features.
    generate(warehouse.settings.landing, days=2, orders=60, start=date(2025, 1, 18))
    warehouse.load()
    assert_passed(warehouse.build())
    assert_passed(warehouse.dbt("test", "--select", "test_name:equals_its_recomputation"))
    return warehouse


@pytest.fixture(scope="module")
def recomputations(built) -> dict[str, str]:
    """Gold table → the compiled SQL of its equals_its_recomputation."""
    compiled = built.settings.data_dir / "dbt" / "target" / "compiled"
    files = compiled.rglob("models/gold/**/equals_its_recomputation_*.sql")
    return {
        file.stem.removeprefix("equals_its_recomputation_").removesuffix("_"): file.read_text()
        for file in files
    }


@pytest.fixture
def connection(built):
    connection = duckdb.connect(str(built.settings.warehouse))
    yield connection
    connection.close()


def test_every_gold_table_is_recomputed(connection, recomputations):
    tables = connection.execute(
        "select table_name from duckdb_tables() where schema_name = 'gold'"
    ).fetchall()
    names = {name for (name,) in tables if f"gold.{name}" not in FORECAST}
    assert names == set(recomputations)
    assert names >= {"fact_sales", "dim_customer", "sales_funnel"}


def test_no_change_goes_unseen(connection, recomputations):
    unseen = [
        plant
        for table, recomputation in recomputations.items()
        for plant in _plants(connection, table)
        if not _is_seen(connection, plant, recomputation)
    ]
    assert not unseen


def test_nothing_planted_is_nothing_found(connection, recomputations):
    for table, recomputation in recomputations.items():
        assert connection.execute(recomputation).fetchall() == [], table


def test_each_is_caught_by_the_test_that_is_there_for_it(built, tmp_path):
    shutil.copytree(built.settings.data_dir, tmp_path / "data")
    tampered = Warehouse.at(tmp_path / "data")
    with duckdb.connect(str(tampered.settings.warehouse)) as connection:
        for sql, _ in PLANTED.values():
            (changed,) = connection.execute(sql).fetchone()
            assert changed > 0

    result = tampered.dbt("test", "--exclude", "test_type:unit")
    assert not result.success
    failed = {row.node.name for row in result.result if row.status == "fail"}
    assert [what for what, (_, test) in PLANTED.items() if test not in failed] == []


def _plants(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """One statement per column, one that removes a row and one that doubles one."""
    columns = connection.execute(
        "select column_name, data_type from duckdb_columns()"
        " where schema_name = 'gold' and table_name = ?",
        [table],
    ).fetchall()
    one_row = f"rowid = (select max(rowid) from gold.{table})"
    changes = [
        f"update gold.{table} set {column} = "
        + OTHER_VALUES.get(kind, "coalesce({column} + 1, 0)").format(column=column)
        + f" where {one_row}"
        for column, kind in columns
    ]
    return [
        *changes,
        f"delete from gold.{table} where {one_row}",
        f"insert into gold.{table} select * from gold.{table} where {one_row}",
    ]


def _is_seen(connection: duckdb.DuckDBPyConnection, plant: str, recomputation: str) -> bool:
    connection.begin()
    (changed,) = connection.execute(plant).fetchone()
    assert changed == 1, plant
    found = connection.execute(recomputation).fetchall()
    connection.rollback()
    return bool(found)
