"""The audit of builds, and when a build is needless."""

import shutil
from pathlib import Path

import pytest

from orchestration.builds import (
    begin_build,
    build_is_due,
    changed_since_last_build,
    fingerprint,
    finish_build,
    last_builds,
    project_fingerprint,
)
from orchestration.loader.bronze_tables import create_bronze
from orchestration.publish import publish
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse import open_warehouse


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("models", "seeds", "macros", "snapshots"):
        shutil.copytree(PROJECT_DIR / name, tmp_path / "project" / name)
    for name in ("dbt_project.yml", "profiles.yml", "requirements.lock"):
        shutil.copyfile(PROJECT_DIR / name, tmp_path / "project" / name)
    return tmp_path / "project"


@pytest.fixture
def settings(tmp_path: Path, project: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", project_dir=project)


@pytest.fixture
def warehouse(settings: Settings):
    with open_warehouse(settings) as connection:
        create_bronze(connection, {})
        yield connection


def build(warehouse, settings: Settings, run_id: str, status: str = "built") -> None:
    begin_build(warehouse, run_id)
    now = fingerprint(warehouse, project_fingerprint(settings))
    finish_build(warehouse, run_id, status, build_id=None, fingerprint=now)


def changed_feeds(warehouse, settings: Settings) -> frozenset[str]:
    changed = changed_since_last_build(warehouse, project_fingerprint(settings), "")
    assert changed is not None
    return changed.feeds


def add_file(
    warehouse, file_id: int, status: str, sha256: str = "same", name: str = "name"
) -> None:
    warehouse.execute(
        "insert into bronze.files"
        " (file_id, feed, sha256, batch_date, file_name, status, rows_loaded)"
        " values (?, 'orders', ?, date '2025-01-01' + ?, ?, ?, 1)",
        [file_id, sha256, file_id, name, status],
    )


def test_after_a_publish_nothing_is_due_until_project_or_files_change(warehouse, settings):
    assert build_is_due(warehouse, settings)
    build(warehouse, settings, "one")
    publish(warehouse, settings, "one")
    assert not build_is_due(warehouse, settings)

    add_file(warehouse, 1, "loaded")
    assert build_is_due(warehouse, settings)
    warehouse.execute("delete from bronze.files")
    assert not build_is_due(warehouse, settings)

    seed = settings.project_dir / "seeds" / "order_statuses.csv"
    seed.write_text(seed.read_text() + "lost,false,true,,,\n")
    assert build_is_due(warehouse, settings)


def test_what_does_not_count_concerns_readers_of_the_ledger_alone(warehouse, settings):
    build(warehouse, settings, "one")
    publish(warehouse, settings, "one")
    add_file(warehouse, 1, "duplicate")
    add_file(warehouse, 2, "discarded")
    assert build_is_due(warehouse, settings)
    assert changed_feeds(warehouse, settings) == frozenset()
    add_file(warehouse, 3, "loaded")
    assert changed_feeds(warehouse, settings) == {"orders"}
    warehouse.execute("update bronze.files set status = 'retracted' where file_id = 3")
    assert changed_feeds(warehouse, settings) == frozenset()


def test_another_content_of_a_files_name_may_end_its_patches(warehouse, settings):
    add_file(warehouse, 1, "loaded")
    add_file(warehouse, 2, "withheld", "other")
    build(warehouse, settings, "one")
    warehouse.execute("update bronze.files set status = 'retracted' where file_id = 2")
    assert changed_feeds(warehouse, settings) == {"orders"}


def test_another_content_may_end_patches_although_it_counts_under_another_name(warehouse, settings):
    add_file(warehouse, 1, "loaded")
    add_file(warehouse, 2, "loaded", "other", "other name")
    build(warehouse, settings, "one")
    add_file(warehouse, 3, "withheld", "other")
    assert changed_feeds(warehouse, settings) == frozenset()
    warehouse.execute("update bronze.files set status = 'retracted' where file_id = 3")
    assert changed_feeds(warehouse, settings) == {"orders"}


def test_a_build_is_due_when_readers_have_nothing(warehouse, settings):
    build(warehouse, settings, "one")
    publish(warehouse, settings, "one")
    (settings.published / "orderhouse.duckdb").unlink()
    assert build_is_due(warehouse, settings)


def test_a_build_is_due_after_one_that_failed_on_the_same_input(warehouse, settings):
    build(warehouse, settings, "one")
    publish(warehouse, settings, "one")
    build(warehouse, settings, "two", "failed")
    assert build_is_due(warehouse, settings)


def test_the_build_that_asks_does_not_count(warehouse, settings):
    build(warehouse, settings, "one")
    publish(warehouse, settings, "one")
    begin_build(warehouse, "two")
    assert not build_is_due(warehouse, settings, "two")


def test_a_build_that_died_is_marked_by_the_next(warehouse):
    begin_build(warehouse, "one")
    begin_build(warehouse, "two")
    begin_build(warehouse, "two")
    assert [(b.run_id, b.status) for b in last_builds(warehouse, 5)] == [
        ("two", "running"),
        ("one", "interrupted"),
    ]


def test_the_newest_build_is_the_last_begun_also_when_the_clock_went_back(warehouse, settings):
    build(warehouse, settings, "one")
    warehouse.execute("update audit.builds set started_at = started_at + interval 1 hour")
    build(warehouse, settings, "two")
    newest, before = last_builds(warehouse, 5)
    assert (newest.run_id, before.run_id) == ("two", "one")
    assert newest.finished_at >= newest.started_at


def test_the_fingerprint_sees_names_and_bytes_of_the_project(settings):
    before = project_fingerprint(settings)
    model = settings.project_dir / "models" / "new.sql"
    model.write_text("select 1")
    with_model = project_fingerprint(settings)
    model.rename(model.with_name("newer.sql"))
    assert len({before, with_model, project_fingerprint(settings)}) == 3
