"""All 5,040 orders in which seven changes to one customer can arrive give one history.

One customer per order. What decides between versions (instant, batch date, file name, record
number) belongs to a change; which load brings it, its file id and where its row stands do not.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import permutations

import duckdb
import pytest
from warehouse import Warehouse, assert_passed

MODELS = ("--select", "+customers_history")


@dataclass(frozen=True)
class Change:
    """What a record says, from which instant on (a day of January), in a file of which name."""

    tier: str | None
    day: int
    file: str


CHANGES = (
    Change("Bronze", 1, "customers_2025_01_02_a"),
    Change("Silver", 3, "customers_2025_01_12_a"),  # late
    Change("Silver", 5, "customers_2025_01_05_a"),  # a repetition
    Change("Gold", 7, "customers_2025_01_08_b"),  # of this instant the next is the newer one
    Change("Platinum", 7, "customers_2025_01_08_c"),
    Change(None, 9, "customers_2025_01_09_a"),  # a deletion
    Change("Bronze", 11, "customers_2025_01_11_a"),
)
HISTORY = [("Bronze", 1, 3), ("Silver", 3, 7), ("Platinum", 7, 9), ("Bronze", 11, None)]
ORDERS = list(permutations(range(len(CHANGES))))


def history_of(changes: set[int]) -> list[tuple]:
    """(tier, from, to) of the versions that these changes make, oldest first."""
    tiers = {CHANGES[number].day: CHANGES[number].tier for number in sorted(changes)}
    versions: list[tuple] = []
    for day, tier in sorted(tiers.items()):
        current = versions[-1] if versions and versions[-1][2] is None else None
        if current and current[0] != tier:
            versions[-1] = (*current[:2], day)
        if tier is not None and (current is None or current[0] != tier):
            versions.append((tier, day, None))
    return versions


def histories(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, list[tuple]]:
    """Customer → (tier, from, to) of the versions in a relation, oldest first."""
    found: dict[str, list[tuple]] = {}
    for key, *version in connection.execute(
        f"select customer_id, loyalty_tier, day(valid_from), day(valid_to) from {relation}"
        " order by customer_id, valid_from"
    ).fetchall():
        found.setdefault(key, []).append(tuple(version))
    return found


def deliver(warehouse: Warehouse, load: int) -> None:
    """Every customer's change that its order brings in this load, by the files of the changes."""
    for number, change in enumerate(CHANGES):
        rows = [
            {
                "customer_id": f"C{customer:04d}",
                "loyalty_tier": change.tier,
                "updated_at": datetime(2025, 1, change.day, 12).isoformat(),
                "_op": "U" if change.tier else "D",
            }
            for customer, order in enumerate(ORDERS)
            if order[load] == number
        ]
        warehouse.drop_rows(f"{change.file}_{load}.ndjson", rows)
    warehouse.load()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory) -> Warehouse:
    return Warehouse.at(tmp_path_factory.mktemp("orders"))


def test_the_seven_changes_make_the_history_that_was_written_by_hand():
    assert history_of(set(range(len(CHANGES)))) == HISTORY
    assert history_of({3, 5}) == [("Gold", 7, 9)]
    assert history_of({5, 6}) == [("Bronze", 11, None)]


def test_every_order_spread_over_seven_builds_gives_one_history(warehouse):
    """After each build the history is that of the changes that came so far."""
    for load in range(len(CHANGES)):
        deliver(warehouse, load)
        result = warehouse.build(*MODELS, "--exclude-resource-type", "test")
        assert_passed(result)
        with duckdb.connect(str(warehouse.settings.warehouse)) as connection:
            versions = histories(connection, "silver.customers_versions")
            believed = "(from snapshots.customers_history where dbt_valid_to is null)"
            assert histories(connection, believed) == versions
        expected = {
            f"C{customer:04d}": history_of(set(order[: load + 1]))
            for customer, order in enumerate(ORDERS)
        }
        assert versions == {key: history for key, history in expected.items() if history}
    assert list(versions.values()) == [HISTORY] * 5040


@pytest.mark.parametrize(
    "order_of_rows", ["_file_id", "_file_id desc", "hash(customer_id, _file_id)"]
)
def test_every_order_at_once_gives_one_history(warehouse, order_of_rows):
    """The model's compiled SQL, over the rows of staging in other places and with other ids."""
    compiled = warehouse.dbt("compile", "--select", "customers_versions", "--full-refresh")
    (sql,) = [
        result.node.compiled_code
        for result in compiled.result.results
        if result.node.name == "customers_versions"
    ]
    staged = '"warehouse"."silver"."stg_customers"'
    assert staged in sql
    with duckdb.connect(str(warehouse.settings.warehouse)) as connection:
        connection.execute(
            "create temp table replaced as select * replace (row_number() over () as _file_id)"
            f" from (from silver.stg_customers order by {order_of_rows})"
        )
        found = histories(connection, f"({sql.replace(staged, 'replaced')})")
    assert list(found.values()) == [HISTORY] * 5040
