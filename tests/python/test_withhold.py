"""The ledger of withheld files: corrections, take-backs, releases, and who is judged anew."""

import json
import shlex
from contextlib import closing
from datetime import date

import pytest
from landing_zone import LandingZone, orders_csv

from orchestration.builds import create_builds
from orchestration.loader.load import connect
from orchestration.loader.retract import restore, retract
from orchestration.loader.withhold import (
    Finding,
    command_for,
    pass_files,
    pass_published_files,
    reconsider,
    withheld_files,
    withhold,
)

JAN_15, JAN_16, COPY = "orders_2025_01_15.csv", "orders_2025_01_16.csv", "orders_2025_01_17.csv"


class Zone(LandingZone):
    """A landing zone in which the breaker can be opened by hand."""

    def open(self, *deliveries: str, feed: str = "orders") -> list[str]:
        findings = [
            Finding(feed, one, "", date(2025, 1, 15), "rows", 9.0, 100.0, 1.0, 40.0, 250.0, 8, 9, 0)
            for one in deliveries
        ]
        with closing(connect(self.settings)) as connection:
            found = withhold(connection, self.contracts, "project", findings)
        return [one.file_name for one in found]

    def passed(self) -> None:
        with closing(connect(self.settings)) as connection:
            pass_files(connection)

    def reconsidered(self, project: str = "project") -> list[str]:
        with closing(connect(self.settings)) as connection:
            return [e.file_name for e in reconsider(connection, self.contracts, project)]

    def take_back(self, target: str) -> None:
        with closing(connect(self.settings)) as connection:
            retract(connection, target, "wrong")

    def bring_back(self, target: str) -> None:
        with closing(connect(self.settings)) as connection:
            restore(connection, target, "it was right")

    def drop_and_load(self, name: str, *order_ids: str) -> None:
        self.drop(name, orders_csv(*order_ids))
        self.load()

    def withhold_a_correction(self) -> None:
        """Of JAN_15: order 1 has passed, 2 is to take its place."""
        self.drop_and_load(JAN_15, "1")
        self.passed()
        self.drop_and_load(JAN_15, "2")
        self.open(JAN_15)


@pytest.fixture
def zone(tmp_path) -> Zone:
    return Zone(tmp_path)


def test_a_withheld_file_is_in_bronze_and_does_not_count_until_released(zone):
    zone.drop_and_load(JAN_15, "1", "2")
    zone.drop_and_load(JAN_16, "3")
    zone.passed()
    assert zone.open(JAN_15) == [], "what has passed is not withheld any more"
    zone.drop_and_load(COPY, "4")
    assert zone.open(COPY) == [COPY]
    assert zone.counting_orders() == ["1", "2", "3"]
    assert zone.query("select count(*) from bronze.orders") == [(4,)]
    assert zone.query("select file_id, measured_value, median_value, mad from bronze.breakers") == [
        (3, 9.0, 100.0, 1.0)
    ]
    assert zone.release("2025-01-17", "a quiet day") == (
        f"{COPY}: 9 rows; the 8 batch dates before had a median of 100 (MAD 1),"
        " usual are 40 to 250."
    )
    assert zone.counting_orders() == ["1", "2", "3", "4"]
    assert zone.query("select why from bronze.passed_files where file_id = 3") == [("a quiet day",)]
    assert zone.open(COPY) == []
    with pytest.raises(LookupError, match="No batch '2025-01-17' is held; held are: none"):
        zone.release("2025-01-17")


def test_all_files_of_a_triggers_batch_and_feed_are_withheld_together(zone):
    zone.drop_trigger("trigger_2025_01_15.json", "orders_2025_01_15_a.csv", JAN_15)
    zone.drop("orders_2025_01_15_a.csv", orders_csv("1"))
    zone.drop_and_load(JAN_15, "2")
    assert set(zone.open("trigger_2025_01_15")) == {JAN_15, "orders_2025_01_15_a.csv"}
    assert zone.counting_orders() == []
    with pytest.raises(LookupError, match="held are: trigger_2025_01_15"):
        zone.release("nonesuch")
    zone.load()
    assert zone.batches() == {"trigger_2025_01_15": ("loaded", None)}
    zone.release("trigger_2025_01_15")
    assert zone.counting_orders() == ["1", "2"]


def test_a_correction_ends_the_hold_and_is_judged_itself(zone):
    zone.drop_and_load(JAN_15, "1")
    zone.open(JAN_15)
    zone.drop_and_load(JAN_15, "2")
    assert zone.ledger() == [(JAN_15, "superseded"), (JAN_15, "loaded")]
    zone.open(JAN_15)
    # What the correction had replaced was far off itself.
    assert zone.ledger() == [(JAN_15, "superseded"), (JAN_15, "withheld")]
    zone.drop_and_load(JAN_15, "3")
    assert zone.counting_orders() == ["3"]


def test_the_same_bytes_again_are_judged_anew(zone):
    zone.drop_and_load(JAN_15, "1")
    zone.open(JAN_15)
    zone.drop_and_load(JAN_15, "1")
    assert zone.ledger() == [(JAN_15, "superseded"), (JAN_15, "loaded")]


def test_a_withheld_correction_leaves_what_it_would_have_replaced(zone):
    zone.withhold_a_correction()
    assert zone.ledger() == [(JAN_15, "loaded"), (JAN_15, "withheld")]
    zone.release("2025-01-15")
    assert zone.ledger() == [(JAN_15, "superseded"), (JAN_15, "loaded")]


def test_a_withheld_correction_is_taken_back_alone_and_is_judged_when_it_is_restored(zone):
    zone.withhold_a_correction()
    zone.take_back(JAN_15)
    assert zone.ledger() == [(JAN_15, "loaded"), (JAN_15, "retracted")]
    zone.bring_back(JAN_15)
    assert zone.ledger() == [(JAN_15, "superseded"), (JAN_15, "loaded")]
    assert zone.open(JAN_15) == [JAN_15]
    assert zone.ledger() == [(JAN_15, "loaded"), (JAN_15, "withheld")]
    zone.take_back(JAN_15)
    zone.take_back(JAN_15)
    assert zone.ledger() == [(JAN_15, "retracted"), (JAN_15, "retracted")]


def test_a_batch_is_taken_back_with_its_withheld_correction(zone):
    zone.withhold_a_correction()
    zone.take_back("2025-01-15")
    assert zone.counting_orders() == []
    zone.bring_back("2025-01-15")
    assert zone.counting_orders() == ["2"]


def test_a_copy_does_not_stand_in_for_a_withheld_file(zone):
    zone.drop_and_load(JAN_15, "1")
    zone.drop_and_load(COPY, "1")
    zone.open(JAN_15)
    zone.load()
    assert zone.ledger() == [(JAN_15, "withheld"), (COPY, "duplicate")]
    zone.release("2025-01-15")
    zone.load()
    assert zone.ledger() == [(JAN_15, "loaded"), (COPY, "duplicate")]


def test_a_withheld_file_can_be_taken_back_and_is_judged_when_it_is_restored(zone):
    zone.drop_and_load(JAN_15, "1")
    zone.open(JAN_15)
    zone.take_back(JAN_15)
    assert zone.ledger() == [(JAN_15, "retracted")]
    with closing(connect(zone.settings)) as connection:
        assert withheld_files(connection) == []
    zone.bring_back(JAN_15)
    assert zone.open(JAN_15) == [JAN_15]


def test_it_is_judged_anew_once_what_that_rests_on_is_another(zone):
    zone.drop_and_load(JAN_16, "1")
    zone.open(JAN_16)
    assert zone.reconsidered() == []
    zone.drop_and_load(COPY, "2")  # later deliveries of the feed say nothing of it
    assert zone.reconsidered() == []
    for change in (
        lambda: zone.drop_and_load(JAN_15, "3"),
        lambda: zone.drop("customers_2025_01_16.ndjson", '{"customer_id": "C1"}\n') and zone.load(),
    ):
        change()
        assert zone.reconsidered() == [JAN_16]
        assert zone.counting_orders()[0] == "1"
        opened = zone.query("select min(opened_at) from bronze.breakers")
        assert zone.open(JAN_16) == [JAN_16]
        assert zone.query("select min(opened_at) from bronze.breakers") == opened
        assert zone.reconsidered() == []
    assert zone.reconsidered("another lookup") == [JAN_16]


def test_it_is_judged_anew_when_more_of_its_day_has_come(zone):
    zone.drop_and_load(JAN_15, "1")
    zone.open(JAN_15)
    zone.drop_and_load("orders_2025_01_15_eu.csv", "2")
    assert zone.reconsidered() == [JAN_15]


def test_it_is_judged_anew_when_what_its_parents_refer_to_has_come(zone):
    line = {"item_id": "1", "order_id": "1", "product_id": "P1", "quantity": 1, "unit_price": 1}
    zone.drop("order_items_2025_01_15.ndjson", f"{json.dumps(line)}\n")
    zone.load()
    assert zone.open("order_items_2025_01_15.ndjson", feed="order_items")
    zone.drop("customers_2025_01_15.ndjson", '{"customer_id": "C1"}\n')
    zone.load()
    assert zone.reconsidered() == ["order_items_2025_01_15.ndjson"]


def test_what_was_published_before_there_was_a_breaker_has_passed(zone):
    zone.drop_and_load(JAN_15, "1")
    with closing(connect(zone.settings)) as connection:
        create_builds(connection)
        pass_published_files(connection)
        assert connection.execute("from bronze.passed_files").fetchall() == []
        connection.execute(
            "insert into audit.builds (run_id, status, finished_at)"
            " values ('r', 'published', timestamp '2025-01-21')"
        )
        pass_published_files(connection)
    assert zone.query("select file_id from bronze.passed_files") == [(1,)]
    zone.drop_and_load(JAN_16, "2")
    with closing(connect(zone.settings)) as connection:
        pass_published_files(connection)
    assert zone.open(JAN_16) == [JAN_16]


def test_a_command_that_is_offered_is_one_for_a_shell():
    command = command_for("retract", "orders_2025_01_15_it's new.csv")
    assert shlex.split(command) == [
        "python", "-m", "orchestration", "retract", "orders_2025_01_15_it's new.csv", "--why", "…",
    ]  # fmt: skip
