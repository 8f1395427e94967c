"""A discarded file goes back into landing: once, whole, and in one folder at any moment."""

import os
import signal
from contextlib import closing, suppress
from pathlib import Path

import pytest
from landing_zone import LandingZone, orders_csv

from orchestration.loader import reprocess as module
from orchestration.loader.load import connect
from orchestration.loader.moves import remove_lone_reasons
from orchestration.loader.reprocess import reprocess

FILE = "orders_2025_01_15.csv"
REFUSED = orders_csv("1", "1")


@pytest.fixture
def zone(tmp_path) -> LandingZone:
    """A zone whose contract refuses files with doubled keys, and such a file, refused."""
    zone = LandingZone(tmp_path / "data")
    zone.set_contract("orders", duplicate_key_policy="discard_file")
    zone.drop(FILE, REFUSED)
    assert zone.status() == {FILE: "duplicate_keys"}
    return zone


def put_back(zone: LandingZone, target: str = FILE) -> Path:
    with closing(connect(zone.settings)) as connection:
        return reprocess(connection, zone.settings, target, "the policy was too strict")


def mend(zone: LandingZone) -> None:
    zone.set_contract("orders", duplicate_key_policy="keep_newest")


def files(zone: LandingZone) -> list[str]:
    return sorted(path for path in zone.tree() if not path.startswith("archive"))


def test_after_the_cause_was_mended_it_is_loaded_and_both_deliveries_stand_in_the_ledger(zone):
    mend(zone)
    assert put_back(zone) == zone.settings.landing / FILE
    assert files(zone) == [f"landing/{FILE}"]
    assert zone.due().names == (FILE,)
    assert zone.status() == {FILE: "loaded"}
    assert zone.query("select status, reprocessed from bronze.files order by file_id") == [
        ("discarded", "the policy was too strict"),
        ("loaded", None),
    ]
    assert zone.tree() == {f"archive/orders/{FILE}": REFUSED.encode()}


def test_while_the_cause_is_not_mended_it_is_refused_again_on_a_line_of_its_own(zone):
    put_back(zone)
    assert zone.status() == {FILE: "duplicate_keys"}
    assert zone.ledger() == [(FILE, "discarded"), (FILE, "discarded")]
    assert files(zone) == [f"discarded/orders/{FILE}", f"discarded/orders/{FILE}.reason.json"]
    mend(zone)
    put_back(zone)
    assert zone.status() == {FILE: "loaded"}


def test_of_several_the_last_goes_back_and_each_can(zone):
    zone.drop(FILE, orders_csv("2", "2"))
    zone.load()
    mend(zone)
    put_back(zone)
    assert zone.status() == {FILE: "loaded"}
    assert zone.counting_orders() == ["2", "2"]
    with pytest.raises(LookupError, match=r"A later delivery of .* counts by now"):
        put_back(zone)


def test_a_copy_is_found_by_its_name_in_discarded_too(zone):
    zone.drop(FILE, orders_csv("2", "2"))
    zone.load()
    (first, second) = zone.query("select file_id from bronze.files order by file_id")
    assert f"discarded/orders/{FILE}.{second[0]}" in files(zone)
    put_back(zone, f"discarded/orders/{FILE}.{second[0]}")
    assert f"discarded/orders/{FILE}.{second[0]}" not in files(zone)
    assert zone.query("select file_id from bronze.files where reprocessed is not null") == [second]
    assert first != second


def test_a_discarded_trigger_goes_back_too(zone):
    name = "trigger_2025_01_16.json"
    zone.drop(name, "{")
    assert zone.status() == {name: "bad_trigger"}
    put_back(zone, name)
    assert f"landing/{name}" in files(zone)


def test_a_name_that_is_not_text_goes_back_as_it_was(zone):
    raw = os.fsdecode(b"refunds_\xff.csv")
    zone.drop(raw, "x")
    zone.load()
    assert put_back(zone, r"refunds_\xff.csv").name == raw


def test_what_is_not_there_is_told_with_what_is(zone):
    with pytest.raises(LookupError, match=rf"No file 'nonesuch\.csv' lies in .*{FILE}"):
        put_back(zone, "nonesuch.csv")


def test_a_file_of_its_name_in_landing_is_not_replaced(zone):
    zone.drop(FILE, orders_csv("3"))
    with pytest.raises(LookupError, match="lies in landing already"):
        put_back(zone)
    assert f"discarded/orders/{FILE}" in files(zone)


@pytest.mark.parametrize("point", ["before the mark", "before the move", "before the reason goes"])
def test_killed_at_any_point_the_same_command_goes_on_and_the_file_is_in_one_folder(zone, point):
    child = os.fork()
    if child == 0:
        with suppress(BaseException):

            def die(*_: object, **__: object) -> None:
                os.kill(os.getpid(), signal.SIGKILL)

            if point == "before the mark":
                module.Ledger.record = die
            elif point == "before the move":
                os.rename = die
            else:
                Path.unlink = die
            put_back(zone)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    held = [name for name in files(zone) if not name.endswith(".reason.json")]
    in_landing = point == "before the reason goes"
    assert held == [f"landing/{FILE}" if in_landing else f"discarded/orders/{FILE}"]
    mend(zone)
    if not in_landing:
        put_back(zone)
    assert zone.status() == {FILE: "loaded"}
    assert remove_lone_reasons(zone.settings.discarded) == in_landing
    assert zone.tree() == {f"archive/orders/{FILE}": REFUSED.encode()}


LONG = f"orders_2025_01_15_{'x' * 233}.csv"


def test_a_delivered_file_called_like_a_reason_is_not_taken_for_one(zone):
    ours = zone.tree()[f"discarded/orders/{FILE}.reason.json"]
    mend(zone)
    put_back(zone)
    for name, content in (
        ("customers_2025_01_15_x.reason.json", b'[{"name": "no key"}]'),
        (f"{FILE}.reason.json", ours),
    ):
        zone.drop(name, content)
    zone.load()
    before = zone.tree()
    assert before[f"discarded/orders/{FILE}.reason.json"] == ours
    assert len(before) == 1 + 4
    assert remove_lone_reasons(zone.settings.discarded) == 0
    assert zone.tree() == before


def test_a_file_whose_own_reason_is_gone_is_no_reason_by_its_name_alone(zone):
    folder = zone.settings.discarded / "customers"
    folder.mkdir()
    for name, content in (("a", '[{"file": "a"}]'), ("b", '{"file": "b"}'), ("c", "\xff{")):
        (folder / f"{name}.reason.json").write_text(content, encoding="latin-1")
    assert remove_lone_reasons(zone.settings.discarded) == 0


def test_the_reason_of_a_long_name_stays_as_long_as_its_file(zone):
    zone.drop(LONG, REFUSED)
    assert zone.status() == {LONG: "duplicate_keys"}
    before = zone.tree()
    assert remove_lone_reasons(zone.settings.discarded) == 0
    assert zone.tree() == before
    (zone.settings.discarded / "orders" / LONG).unlink()
    assert remove_lone_reasons(zone.settings.discarded) == 1


def test_a_draft_of_a_reason_that_a_crash_cut_off_is_removed(zone):
    (zone.settings.discarded / "orders" / ".abc.reason.json").write_text('{"file": "ord')
    before = zone.tree()
    assert remove_lone_reasons(zone.settings.discarded) == 1
    assert before.keys() - zone.tree().keys() == {"discarded/orders/.abc.reason.json"}


def test_a_long_name_that_is_refused_again_has_a_reason_of_its_own_and_goes_back(zone):
    for orders in (("1", "1"), ("2", "2")):
        zone.drop(LONG, orders_csv(*orders))
        assert zone.status() == {LONG: "duplicate_keys"}
    reasons = [path for path in zone.tree() if path.endswith(".reason.json")]
    assert len(reasons) == 3
    mend(zone)
    put_back(zone, LONG)
    assert remove_lone_reasons(zone.settings.discarded) == 0
    assert zone.status() == {LONG: "loaded"}
    assert zone.counting_orders() == ["2", "2"]
