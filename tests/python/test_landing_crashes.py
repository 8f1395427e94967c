"""A load that is killed at any step is made good by the next one: nothing lost, nothing twice."""

import os
import re
import shutil
import signal
from collections import Counter
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from landing_zone import LandingZone, orders_csv

from orchestration.loader.batches import Batches
from orchestration.loader.ledger import Ledger
from orchestration.loader.load import connect
from orchestration.loader.retract import restore, retract

JAN_15 = "orders_2025_01_15.csv"


def prepare(zone: LandingZone) -> None:
    """What was loaded before, and a landing folder in which everything happens at once."""
    zone.drop("orders_2025_01_10.csv", orders_csv("1", "2"))
    zone.drop("orders_2025_01_11.csv", orders_csv("1", "2"))
    zone.drop("orders_2025_01_12.csv", orders_csv("3"))
    zone.drop_trigger("trigger_2025_01_12.json", "orders_2025_01_12.csv")
    zone.load()
    zone.drop("orders_2025_01_10.csv", orders_csv("4"))  # a correction, whose duplicate stands in
    zone.drop("orders_2025_01_12.csv", orders_csv("3"))  # delivered again, under its own name
    zone.drop(
        "trigger_2025_01_12.json",
        (zone.settings.archive / "trigger").joinpath("trigger_2025_01_12.json").read_bytes(),
    )
    zone.drop("orders_2025_01_13.csv", orders_csv("5") + "6,broken\n")
    zone.drop("returns_2025_01_13.csv", "x")
    zone.drop("orders_2025_01_14.csv", orders_csv("7"))
    zone.drop("orders_2025_01_14_empty.csv", "")
    zone.drop_trigger(
        "trigger_2025_01_14.json", "orders_2025_01_14.csv", "orders_2025_01_14_empty.csv"
    )


def state(zone: LandingZone) -> dict:
    """All that must be the same, however often a load was killed."""
    suffix = re.compile(r"(\.csv|\.json)\.[0-9a-f]+(?=\Z|\.reason)")
    return {
        "ledger": Counter(
            zone.query(
                "select file_name, status, reason, rows_read, rows_loaded, rows_rejected"
                " from bronze.files"
            )
        ),
        "orders": zone.query("select order_id from bronze.orders order by all"),
        "counting": zone.counting_orders(),
        "rejected": zone.query("select line_number, raw from bronze.rejected_rows"),
        "batches": zone.batches(),
        "tree": Counter(
            (suffix.sub(r"\1", path), data)
            for path, data in zone.tree().items()
            if not path.endswith(".reason.json")
        ),
        "reasons": {path.name for path in zone.settings.discarded.rglob("*.reason.json")},
    }


class Killer:
    """Kills this process after the step of the given number (from 0)."""

    def __init__(self, step: int) -> None:
        self.left = step

    def tick(self) -> None:
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1

    def after(self, function):
        def stepped(*arguments, **keywords):
            result = function(*arguments, **keywords)
            self.tick()
            return result

        return stepped

    def after_commit(self, transaction):
        @contextmanager
        def stepped(ledger):
            with transaction(ledger):
                yield
            self.tick()

        return stepped


def load_and_die(zone: LandingZone, step: int) -> bool:
    """Load in a child process that is killed after `step` steps; whether it came that far."""
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            killer = Killer(step)
            os.rename = killer.after(os.rename)
            Path.replace = killer.after(Path.replace)
            Batches.put = killer.after(Batches.put)
            Ledger.transaction = killer.after_commit(Ledger.transaction)
            zone.load()
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), f"the load ended with {status}"
    return status == signal.SIGKILL


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> tuple[Path, dict]:
    """A folder to copy, and the state that an undisturbed load leads to."""
    template = tmp_path_factory.mktemp("prepared") / "data"
    prepare(LandingZone(template))
    undisturbed = LandingZone.copied(template, template.parent / "undisturbed")
    undisturbed.load()
    return template, state(undisturbed)


def test_an_undisturbed_load_is_as_meant(prepared):
    _, expected = prepared
    assert expected["counting"] == ["1", "2", "3", "4", "5", "7"]
    assert len(expected["orders"]) == 8
    assert expected["rejected"] == [(3, "6,broken")]
    statuses = Counter()
    for entry, times in expected["ledger"].items():
        statuses[entry[1]] += times
    assert statuses == {"loaded": 5, "superseded": 1, "duplicate": 2, "discarded": 2}
    assert not [path for path, _ in expected["tree"] if path.startswith("landing/")]
    assert sum(expected["tree"].values()) == 4 + 8


def test_a_load_killed_at_any_step_is_made_good(prepared, tmp_path):
    template, expected = prepared
    step = 0
    while True:
        zone = LandingZone.copied(template, tmp_path / str(step))
        was_killed = load_and_die(zone, step)
        if not was_killed:
            break
        zone.load()
        assert state(zone) == expected, f"killed after step {step}"
        shutil.rmtree(tmp_path / str(step))
        step += 1
    assert step > 15
    assert state(zone) == expected


def test_a_load_killed_again_and_again_ends_right(prepared, tmp_path):
    template, expected = prepared
    zone = LandingZone.copied(template, tmp_path / "data")
    kills = 0
    while load_and_die(zone, 1):
        kills += 1
        assert kills < 100
    assert kills > 5
    assert state(zone) == expected
    assert zone.load().files == ()


def decide(zone: LandingZone, decision, target: str) -> None:
    with closing(connect(zone.settings)) as connection:
        decision(connection, target, "a test")


def test_what_was_retracted_before_its_move_was_made_good_stays_so(tmp_path):
    zone = LandingZone(tmp_path / "data")
    zone.drop(JAN_15, orders_csv("1"))
    assert load_and_die(zone, 0)
    assert (zone.ledger(), list(zone.tree())) == ([(JAN_15, "loaded")], [f"landing/{JAN_15}"])
    decide(zone, retract, JAN_15)
    assert zone.load().files == ()
    assert zone.ledger() == [(JAN_15, "retracted")]
    assert list(zone.tree()) == [f"archive/orders/{JAN_15}"]
    # The same bytes delivered again are loaded, and a crash there is told from a delivery as well.
    zone.drop(JAN_15, orders_csv("1"))
    assert load_and_die(zone, 0)
    decide(zone, retract, JAN_15)
    assert zone.load().files == ()
    assert zone.counting_orders() == []
    zone.drop(JAN_15, orders_csv("1"))
    assert zone.status() == {JAN_15: "loaded"}
    assert [status for _, status in zone.ledger()] == ["retracted", "retracted", "loaded"]
    assert len(zone.tree()) == 3


def test_what_a_restored_file_replaced_before_its_move_was_made_good_stays_so(tmp_path):
    zone = LandingZone(tmp_path / "data")
    zone.drop(JAN_15, orders_csv("1"))
    zone.load()
    decide(zone, retract, JAN_15)
    zone.drop(JAN_15, orders_csv("2"))
    assert load_and_die(zone, 0)
    decide(zone, restore, JAN_15)
    assert zone.load().files == ()
    assert zone.counting_orders() == ["1"]
    assert zone.ledger() == [(JAN_15, "loaded"), (JAN_15, "superseded")]
    assert not list(zone.settings.landing.iterdir())
