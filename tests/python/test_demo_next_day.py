"""A demo shop that goes on: one more day after what was made, the same bytes each time."""

from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestration.cli import cli
from orchestration.demo import DEFAULT_START
from orchestration.demo.next_day import make_next_day
from orchestration.settings import ConfigurationError, Settings

TODAY = date(2025, 2, 28)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def shop(tmp_path, monkeypatch) -> Settings:
    """A demo of three days, as the command makes it."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    made = CliRunner().invoke(cli, ["demo-data", "--days", "3", "--orders", "60"])
    assert made.exit_code == 0, made.output
    return Settings(data_dir=tmp_path / "data")


def test_the_next_days_come_after_those_that_were_made_and_name_all_feeds(shop):
    before = contents(shop.landing)
    assert [make_next_day(shop, TODAY) for _ in range(2)] == [
        (date(2025, 1, 16), 9),
        (date(2025, 1, 17), 9),
    ]
    after = contents(shop.landing)
    assert {name: after[name] for name in before} == before
    days = {name.split("_2025_")[1][:5] for name in after.keys() - before.keys()}
    assert days == {"01_16", "01_17"}
    assert len(after) - len(before) == 2 * 10


def test_orders_of_the_new_day_are_new_and_their_parents_were_delivered(shop):
    make_next_day(shop, TODAY)

    def column(feed: str, number: int, days: str) -> set[str]:
        return {
            line.split(",")[number]
            for path in shop.landing.glob(f"{feed}_2025_01_{days}.csv")
            for line in path.read_text().splitlines()[1:]
        }

    new_orders = column("order_items", 1, "16") - column("order_items", 1, "1[345]")
    assert new_orders
    assert new_orders <= column("orders", 0, "16")
    customers = "".join(path.read_text() for path in shop.landing.glob("customers_*.json"))
    assert all(f'"{customer}"' in customers for customer in column("orders", 1, "16"))


def test_a_day_that_was_made_but_not_noted_is_made_again_with_the_same_bytes(shop):
    note = shop.data_dir / "demo" / "made.json"
    before = note.read_bytes()
    make_next_day(shop, TODAY)
    once = contents(shop.landing)
    note.write_bytes(before)
    make_next_day(shop, TODAY)
    assert contents(shop.landing) == once


def test_where_nothing_was_made_the_default_demo_begins(tmp_path):
    settings = Settings(data_dir=tmp_path / "data")
    assert make_next_day(settings, TODAY)[0] == DEFAULT_START
    for path in settings.landing.iterdir():
        path.unlink()
    assert make_next_day(settings, TODAY)[0].day == DEFAULT_START.day + 1


def test_no_demo_day_is_put_beside_somebodys_files(tmp_path):
    settings = Settings(data_dir=tmp_path)
    settings.landing.mkdir()
    (settings.landing / "orders_2025_01_15.csv").write_text("order_id\n")
    with pytest.raises(ConfigurationError, match="Files that are not of a demo lie in"):
        make_next_day(settings, TODAY)
    assert len(list(settings.landing.iterdir())) == 1


def test_the_demo_does_not_go_on_into_the_future(shop):
    with pytest.raises(ConfigurationError, match="2025-01-16 is yet to come"):
        make_next_day(shop, date(2025, 1, 15))


def test_a_note_that_does_not_read_is_told(shop):
    (shop.data_dir / "demo" / "made.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"made\.json does not read"):
        make_next_day(shop, TODAY)
