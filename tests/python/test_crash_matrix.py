"""Killed at any named point, the next run ends as if nothing had happened.

`make crashes` tries every point; this is some of them, one of each kind.
"""

import os
import shutil
from pathlib import Path

import pytest
from crashes import POINTS, files, gold, run_in_child

from orchestration.dbt_runner import invoke
from orchestration.demo import DEFAULT_START
from orchestration.demo.next_day import make_next_day, remember_demo
from orchestration.publish import current_file, versions
from orchestration.settings import Settings

SOME = [
    "between commit and move",
    "within a model's transaction",
    "between the swap and its record",
]


@pytest.fixture(scope="module")
def template(built, tmp_path_factory) -> Path:
    """A published warehouse, and a day in landing: a trigger, a correction, a refused file."""
    settings = Settings(tmp_path_factory.mktemp("crashes") / "data", settle_seconds=0)
    shutil.copytree(built.settings.data_dir, settings.data_dir)
    remember_demo(settings, days=3, orders=60)
    make_next_day(settings, DEFAULT_START.replace(month=12))
    (correction,) = settings.archive.glob("orders/orders_2025_01_14.csv")
    lines = correction.read_text().splitlines(keepends=True)
    (settings.landing / correction.name).write_text("".join(lines[:-1]))
    (settings.landing / "returns_2025_01_14.csv").write_text("x\n")
    # Here, and not in each run: dbt's parser starts threads, which a fork does not have.
    assert invoke(settings, ["parse"]).succeeded
    return settings.data_dir


@pytest.fixture
def warehouse(template, tmp_path):
    def copy(name: str) -> Settings:
        shutil.copytree(template, tmp_path / name)
        return Settings(tmp_path / name, settle_seconds=0)

    return copy


@pytest.fixture(scope="module")
def undisturbed(template, tmp_path_factory) -> tuple:
    """Gold and files after a run that nobody killed."""
    settings = Settings(tmp_path_factory.mktemp("undisturbed") / "data", settle_seconds=0)
    shutil.copytree(template, settings.data_dir)
    before = gold(current_file(settings))
    assert run_in_child(settings)
    after = gold(current_file(settings))
    assert {name for name in after if after[name] != before[name]} >= {"fact_sales", "fact_orders"}
    return after, files(settings)


@pytest.mark.parametrize("point", list(POINTS) if os.environ.get("EVERY_CRASH") else SOME)
def test_the_next_run_ends_as_if_nothing_had_happened(warehouse, template, undisturbed, point):
    settings = warehouse("killed")
    before = gold(current_file(settings))
    dropped = sum(files(settings).values())

    assert not run_in_child(settings, point), "it came to its end"

    assert sum(files(settings).values()) == dropped
    seen = gold(current_file(settings))
    is_swapped = "swaps of" not in point and point in list(POINTS)[-2:]
    assert seen == (undisturbed[0] if is_swapped else before)
    assert run_in_child(settings)
    assert (gold(current_file(settings)), files(settings)) == undisturbed
    assert gold(list(versions(settings).values())[-1]) == undisturbed[0]
    assert not [path for path in settings.published.rglob(".*") if path.is_file()]
