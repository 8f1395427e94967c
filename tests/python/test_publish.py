"""Publishing: what is copied, how it is swapped, what a failure leaves."""

import grp
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import duckdb
import pytest
from damage import spoil

from orchestration.builds import (
    begin_build,
    create_builds,
    create_changes,
    finish_build,
    last_builds,
)
from orchestration.loader.load import connect
from orchestration.publish import (
    Edition,
    analyst_edition,
    current_file,
    current_version,
    expire_versions,
    publish,
    rollback,
    steward_edition,
    versions,
)
from orchestration.published_tables import _is_equal
from orchestration.settings import ConfigurationError, Settings

_TABLES = """
create schema gold; create schema silver; create schema snapshots;
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
    with connect(settings) as connection:
        create_builds(connection)
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
        "audit.erasures",
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


def test_a_log_left_beside_the_old_file_is_not_read_as_the_new_ones(warehouse, settings):
    publish_once(warehouse, settings, "one")
    log = current_file(settings).with_name(f"{current_file(settings).name}.wal")
    log.write_bytes(b"what somebody wrote into the file before")
    publish_once(warehouse, settings, "two")
    assert not log.exists()
    assert first(current_file(settings), "select version from audit.published") == 2


def test_a_version_that_readers_may_have_seen_keeps_its_number(warehouse, settings, monkeypatch):
    publish_once(warehouse, settings, "one")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("orchestration.publish._record", Mock(side_effect=KeyboardInterrupt))
        publish_once(warehouse, settings, "two")
    assert current_version(settings) == 2
    assert publish_once(warehouse, settings, "three") == 3


def test_stewards_have_a_version_before_analysts_do(warehouse, settings, monkeypatch):
    publish_once(warehouse, settings, "one")
    swap_in = Edition.swap_in

    def swap_one(edition: Edition, version: int) -> None:
        swap_in(edition, version)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Edition, "swap_in", swap_one)
        publish_once(warehouse, settings, "two")
    assert current_version(settings) == 1
    assert first(steward_edition(settings).current, "select version from audit.published") == 2


def test_what_was_built_whole_takes_no_page_of_the_version_before(warehouse, settings):
    create_changes(warehouse)
    for number, name in enumerate(("Ada Lovelace", "hidden"), start=1):
        warehouse.execute(f"create or replace table gold.people as select '{name}' as name")
        warehouse.execute(
            "insert into changes.written values ('people', ?, true, '', null)", [number]
        )
        publish_once(warehouse, settings, f"run {number}")
    before, after = (path.read_bytes() for path in versions(settings).values())
    assert b"Ada Lovelace" in before
    assert b"Ada Lovelace" not in after


def test_what_was_appended_is_added_and_what_else_changed_is_written_anew(warehouse, settings):
    table = "audit.expectation_results"
    for number, change in enumerate(
        (
            f"create table {table} as select 'one' as build_id, 1 as rows_failed",
            f"insert into {table} values ('two', 2), ('two', 3)",
            f"delete from {table} where build_id = 'one'",
        )
    ):
        warehouse.execute(change)
        publish_once(warehouse, settings, f"run {number}")
        with duckdb.connect(current_file(settings), read_only=True) as reader:
            published = reader.execute(f"from {table} order by all").fetchall()
        assert published == warehouse.execute(f"from {table} order by all").fetchall()


def test_five_versions_of_both_editions_are_kept(warehouse, settings):
    numbers = [publish_once(warehouse, settings, f"run {number}") for number in range(7)]
    assert list(versions(settings)) == numbers[-5:] == [3, 4, 5, 6, 7]
    assert list(steward_edition(settings).versions()) == [3, 4, 5, 6, 7]


def test_old_versions_expire_but_not_what_readers_see_nor_the_way_back(warehouse, settings):
    for number in range(4):
        publish_once(warehouse, settings, f"run {number}")
    rollback(settings, 2)
    a_day = replace(settings, versions_kept_days=1)
    assert expire_versions(a_day) == []
    assert expire_versions(a_day, now=datetime.now(UTC) + timedelta(days=2)) == [3]
    assert list(versions(settings)) == list(steward_edition(settings).versions()) == [1, 2, 4]
    assert expire_versions(replace(settings, versions_kept=1)) == []
    assert (rollback(settings), current_version(settings)) == (1, 1)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_analysts_may_read_and_stewards_files_are_closed_whatever_the_umask(
    warehouse, settings, umask
):
    settings.published.mkdir(mode=0o777)
    before = os.umask(umask)
    try:
        publish_once(warehouse, settings, "one")
    finally:
        os.umask(before)
    modes = {
        str(path.relative_to(settings.data_dir)): path.stat().st_mode & 0o777
        for path in [settings.published, *settings.published.rglob("*")]
    }
    assert modes == {
        "published": 0o755,
        "published/orderhouse.duckdb": 0o444,
        "published/versions": 0o755,
        "published/versions/orderhouse_000001.duckdb": 0o444,
        "published/steward": 0o700,
        "published/steward/orderhouse_steward.duckdb": 0o400,
        "published/steward/versions": 0o700,
        "published/steward/versions/orderhouse_steward_000001.duckdb": 0o400,
    }


def test_the_stewards_group_may_read_what_is_theirs(warehouse, settings):
    group = grp.getgrgid(os.getgid()).gr_name
    publish_once(warehouse, replace(settings, steward_group=group), "one")
    edition = steward_edition(settings)
    assert edition.folder.stat().st_mode & 0o777 == 0o750
    for path in (edition.current, *edition.versions().values()):
        assert path.stat().st_mode & 0o777 == 0o440
        assert path.stat().st_gid == os.getgid()


def test_a_group_that_there_is_not_is_told(warehouse, settings):
    with pytest.raises(ConfigurationError, match="STEWARD_GROUP is 'no such group'"):
        publish_once(warehouse, replace(settings, steward_group="no such group"), "one")


def both_versions(settings: Settings) -> set[object]:
    number = "select version from audit.published"
    return {first(path, number) for path in (current_file(settings), steward_file(settings))}


def steward_file(settings: Settings) -> Path:
    return steward_edition(settings).current


def test_both_editions_always_show_the_same_version(warehouse, settings):
    for number in range(3):
        publish_once(warehouse, settings, f"run {number}")
        assert both_versions(settings) == {number + 1}
    rollback(settings)
    assert both_versions(settings) == {2}
    steward_edition(settings).path(1).unlink()
    rollback(settings)
    assert current_version(settings) == 1
    assert not steward_file(settings).exists()


@pytest.mark.parametrize("user", [0, 1000])
def test_what_readers_do_to_the_current_file_harms_no_version(
    warehouse, settings, user, monkeypatch
):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    publish_once(warehouse, settings, "one")
    publish_once(warehouse, settings, "two")
    is_link = current_file(settings).samefile(versions(settings)[2])
    assert is_link == (user != 0)
    # Whoever is not root cannot write a file of this mode; root has a copy to spoil.
    assert current_file(settings).stat().st_mode & 0o222 == 0
    if not is_link:
        current_file(settings).chmod(0o644)
        with duckdb.connect(current_file(settings)) as writer:
            writer.execute("drop table gold.dim_date")
        assert first(versions(settings)[2], "select count(*) from gold.dim_date") == 1
    assert rollback(settings) == 1
    assert publish_once(warehouse, settings, "three") == 3
    assert first(current_file(settings), "select count(*) from gold.dim_date") == 1


def test_a_table_without_a_log_is_left_alone_or_written_whole(warehouse, settings):
    warehouse.execute("create table gold.mart as select range as number, 'a' as text from range(9)")
    publish_once(warehouse, settings, "one")
    changes = {
        "select 1": True,
        "delete from gold.mart where number = 3": False,
        "insert into gold.mart values (9, 'b')": False,
        "update gold.mart set text = 'c' where number = 5": False,
        "update gold.mart set number = number": True,
    }
    for change, is_equal in changes.items():
        warehouse.execute("create or replace table main.before as from gold.mart")
        warehouse.execute(change)
        assert _is_equal(warehouse, "gold.mart", "main.before") is is_equal
        publish_once(warehouse, settings, change)
        assert mart(settings) == warehouse.execute("from gold.mart order by all").fetchall()
    warehouse.execute("alter table gold.mart add column more integer")
    publish_once(warehouse, settings, "another column")
    assert mart(settings) == warehouse.execute("from gold.mart order by all").fetchall()


def mart(settings: Settings) -> list[tuple]:
    with duckdb.connect(current_file(settings), read_only=True) as reader:
        return reader.execute("from gold.mart order by all").fetchall()


def test_rows_that_stand_twice_are_published_twice(warehouse, settings):
    warehouse.execute("create table gold.mart as select 1 as number from range(4)")
    publish_once(warehouse, settings, "one")
    warehouse.execute("insert into gold.mart values (1), (2)")
    publish_once(warehouse, settings, "two")
    assert first(current_file(settings), "select count(*) from gold.mart where number = 1") == 5
    assert first(current_file(settings), "select count(*) from gold.mart") == 6


def test_rollback_goes_to_the_version_before_or_to_the_one_named(warehouse, settings):
    for number in range(3):
        publish_once(warehouse, settings, f"run {number}")
    assert (rollback(settings), current_version(settings)) == (2, 2)
    assert (rollback(settings), current_version(settings)) == (1, 1)
    assert (rollback(settings, 3), current_version(settings)) == (3, 3)
    with pytest.raises(ConfigurationError, match="There is no version 9; kept are 1, 2, 3"):
        rollback(settings, 9)


def test_a_damaged_version_is_told_and_published_anew(warehouse, settings):
    publish_once(warehouse, settings, "one")
    publish_once(warehouse, settings, "two")
    damaged = [current_file(settings), versions(settings)[2]]
    for path in damaged:
        spoil(path, b"dim_date")
    said = r"published/orderhouse\.duckdb is damaged .*rollback N; kept are 1, 2.*run --force"
    with pytest.raises(ConfigurationError, match=said):
        rollback(settings)
    assert (rollback(settings, 1), current_version(settings)) == (1, 1)
    damaged[1].unlink()
    assert publish_once(warehouse, settings, "three") == 3
    assert first(current_file(settings), "select count(*) from gold.dim_date") == 1


@pytest.mark.parametrize("text", [b"dim_date", b"a value of a row"])
def test_publishing_notices_a_damaged_version_and_writes_it_whole(warehouse, settings, text):
    warehouse.execute("create table gold.mart as select 'a value of a row' as x from range(9)")
    publish_once(warehouse, settings, "one")
    for edition in (analyst_edition(settings), steward_edition(settings)):
        if text in edition.path(1).read_bytes():
            spoil(edition.path(1), text)
    assert publish_once(warehouse, settings, "two") == 2
    assert first(current_file(settings), "select count(*) from gold.mart") == 9
    assert first(current_file(settings), "select count(*) from gold.dim_date") == 1


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
    steward = settings.published / "steward"
    steward.mkdir()
    leftovers = [
        folder / ".orderhouse_000001.duckdb",
        settings.published / ".orderhouse.duckdb",
        steward / ".orderhouse_steward.duckdb",
    ]
    for path in leftovers:
        path.write_bytes(b"half")
    publish_once(warehouse, settings, "one")
    assert not any(path.exists() for path in leftovers)
    assert {path.name for path in settings.published.iterdir()} == {
        "orderhouse.duckdb",
        "steward",
        "versions",
    }


@pytest.mark.parametrize("user", [0, 1000])
def test_a_version_stays_whole_when_swapping_it_in_was_cut_short(
    warehouse, settings, user, monkeypatch
):
    """What root's crash leaves: the current file is a link to the version, not yet a copy."""
    monkeypatch.setattr(os, "geteuid", lambda: user)
    for number in range(2):
        publish_once(warehouse, settings, f"run {number}")
    for edition in (steward_edition(settings), analyst_edition(settings)):
        edition.current.unlink()
        os.link(edition.path(1), edition.current)
    assert rollback(settings, 1) == 1
    for file in (current_file(settings), versions(settings)[1]):
        assert first(file, "select count(*) from gold.dim_date") == 1
    assert not list(settings.published.rglob(".*"))
