"""Publishing: what is copied, how it is swapped, what a failure leaves."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.builds import begin_build, finish_build, last_builds
from orchestration.publish import (
    VERSIONS_KEPT,
    current_file,
    current_version,
    publish,
    rollback,
    versions,
)
from orchestration.settings import ConfigurationError, Settings
from orchestration.warehouse import open_warehouse

_TABLES = """
create schema gold; create schema silver; create schema bronze; create schema snapshots;
create table bronze.files (batch_date date, status varchar);
create table gold.dim_date as select 1 as date_key;
create table silver.orders as select 'a' as order_id;
create table silver.stg_orders as select 'personal' as order_id;
create table snapshots.orders_history as select 'a' as order_id;
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(settings) as connection:
        connection.execute(_TABLES)
        yield connection


def publish_once(warehouse: duckdb.DuckDBPyConnection, settings: Settings, run_id: str) -> int:
    begin_build(warehouse, run_id)
    finish_build(warehouse, run_id, "built", build_id=None, fingerprint="same")
    return publish(warehouse, settings, run_id).version


def first(path: Path, sql: str) -> object:
    with duckdb.connect(path, read_only=True) as reader:
        return reader.execute(sql).fetchone()[0]


def test_gold_silver_without_staging_and_audit_are_copied(warehouse, settings):
    publish_once(warehouse, settings, "one")
    with duckdb.connect(current_file(settings), read_only=True) as reader:
        tables = reader.execute(
            "select table_schema || '.' || table_name from information_schema.tables order by all"
        ).fetchall()
        build = reader.execute("select status, published_version from audit.builds").fetchall()
    assert [name for (name,) in tables] == [
        "audit.builds",
        "audit.published",
        "gold.dim_date",
        "silver.orders",
    ]
    assert build == [("published", 1)]
    assert last_builds(warehouse)[0].published_version == 1


def test_an_open_reader_keeps_what_it_reads_and_the_next_sees_the_new(warehouse, settings):
    publish_once(warehouse, settings, "one")
    with duckdb.connect(current_file(settings), read_only=True) as reader:
        warehouse.execute("insert into gold.dim_date values (2)")
        publish_once(warehouse, settings, "two")
        assert reader.execute("select count(*) from gold.dim_date").fetchone() == (1,)
    assert first(current_file(settings), "select count(*) from gold.dim_date") == 2


def test_five_versions_are_kept_and_readable_by_all(warehouse, settings):
    numbers = [publish_once(warehouse, settings, f"run {number}") for number in range(7)]
    assert list(versions(settings)) == numbers[-VERSIONS_KEPT:] == [3, 4, 5, 6, 7]
    for path in [current_file(settings), *versions(settings).values()]:
        assert path.stat().st_mode & 0o777 == 0o644


def test_rollback_goes_to_the_version_before_or_to_the_one_named(warehouse, settings):
    for number in range(3):
        publish_once(warehouse, settings, f"run {number}")
    assert (rollback(settings), current_version(settings)) == (2, 2)
    assert (rollback(settings), current_version(settings)) == (1, 1)
    assert (rollback(settings, 3), current_version(settings)) == (3, 3)
    with pytest.raises(ConfigurationError, match=r"Version 9 is not kept\. Kept are: 1, 2, 3"):
        rollback(settings, 9)


def test_rollback_without_an_earlier_version_says_so(settings):
    with pytest.raises(ConfigurationError, match="no version before the current one"):
        rollback(settings)


def test_a_publish_that_breaks_leaves_what_readers_see(warehouse, settings):
    publish_once(warehouse, settings, "one")
    before = current_file(settings).read_bytes()
    warehouse.execute("create view gold.broken as select 1 / 'none'::integer as x")
    with pytest.raises(duckdb.ConversionException):
        publish_once(warehouse, settings, "two")
    assert current_file(settings).read_bytes() == before
    assert list(versions(settings)) == [1]

    warehouse.execute("drop view gold.broken")
    assert publish_once(warehouse, settings, "three") == 2


def test_leftovers_of_a_crash_are_removed(warehouse, settings):
    folder = settings.published / "versions"
    folder.mkdir(parents=True)
    leftovers = [folder / ".orderhouse_000001.duckdb", settings.published / ".orderhouse.duckdb"]
    for path in leftovers:
        path.write_bytes(b"half")
    publish_once(warehouse, settings, "one")
    assert not any(path.exists() for path in leftovers)
    assert {path.name for path in settings.published.iterdir()} == {
        "orderhouse.duckdb",
        "versions",
    }
