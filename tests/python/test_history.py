"""History on two time axes: late, doubled, corrected and deleted versions fall into place."""

from datetime import datetime

import duckdb
import pytest
from warehouse import Warehouse

from orchestration.dbt_plugin import Plugin
from orchestration.settings import PROJECT_DIR

MODELS = ("--select", "+customers_history", "+orders", "+products_history", "+quarantine")


def customer(tier: str | None, updated_at: str, key: str = "C1", **more: str) -> dict:
    return {"customer_id": key, "loyalty_tier": tier, "updated_at": updated_at, **more}


def day(number: int) -> str:
    return f"2025-01-{number:02d}T12:00:00Z"


def at(number: int) -> datetime:
    return datetime(2025, 1, number, 12)


def history(warehouse: Warehouse, key: str = "C1") -> list[tuple]:
    """(tier, valid_from, valid_to) of the current belief, oldest first."""
    return warehouse.ask(
        "select loyalty_tier, valid_from, valid_to from snapshots.customers_history"
        " where dbt_valid_to is null and customer_id = ? order by valid_from",
        key,
    )


def deliver(warehouse: Warehouse, name: str, rows: list[dict]) -> None:
    warehouse.deliver({name: rows}, *MODELS)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory) -> Warehouse:
    """One customer per behaviour, over three builds; the file of day 3 arrives last."""
    warehouse = Warehouse.at(tmp_path_factory.mktemp("history"))
    # Its batch date is later, though its name comes first.
    warehouse.drop_rows("Customers_2025_01_04.ndjson", [customer("Gold", day(1), "later batch")])
    deliver(
        warehouse,
        "customers_2025_01_02.ndjson",
        [
            customer("Silver", day(1), "later batch"),
            customer("Bronze", day(1)),
            customer("Bronze", day(1), "repeated"),
            customer("Bronze", day(2), "repeated", created_at=day(1)),
            customer("Bronze", day(1), "deleted"),
            customer("Bronze", day(1), "late"),
            customer("Bronze", day(1), "instant"),
            customer("Gold", day(1), "instant"),
            customer("Bronze", day(1), "phone", phone="+44 20 7946 0018"),
            customer("Bronze", day(1), "quarantined"),
        ],
    )
    deliver(
        warehouse,
        "customers_2025_01_05.ndjson",
        [
            customer("Silver", day(3)),
            customer("Gold", day(5)),
            customer(None, day(3), "deleted", _op="D"),
            customer("Bronze", day(5), "deleted"),
            customer("Gold", day(5), "late"),
            customer("Bronze", day(3), "phone", phone="+44 20 7946 9918"),
            customer("Silver", day(3), "quarantined", date_of_birth="2099-01-01"),
            {"customer_id": "clockless", "loyalty_tier": "Gold"},
        ],
    )
    deliver(
        warehouse,
        "customers_2025_01_03.ndjson",
        [
            customer("Silver", day(3), "late"),
            customer("Silver", day(3)),
            {"customer_id": "clockless", "loyalty_tier": "Bronze"},
        ],
    )
    return warehouse


def test_versions_between_two_builds_are_all_kept(warehouse):
    assert history(warehouse) == [
        ("Bronze", at(1), at(3)),
        ("Silver", at(3), at(5)),
        ("Gold", at(5), None),
    ]


def test_a_late_version_falls_into_place(warehouse):
    assert history(warehouse, "late") == [
        ("Bronze", at(1), at(3)),
        ("Silver", at(3), at(5)),
        ("Gold", at(5), None),
    ]


def test_the_earlier_belief_stays_readable(warehouse):
    beliefs = warehouse.ask(
        "select loyalty_tier, valid_to from snapshots.customers_history"
        " where customer_id = 'late' and dbt_valid_to is not null order by dbt_valid_from"
    )
    assert beliefs == [("Bronze", None), ("Bronze", at(5))]


def test_a_repetition_is_no_version(warehouse):
    assert history(warehouse, "repeated") == [("Bronze", at(1), None)]


def test_a_deletion_leaves_a_gap(warehouse):
    assert history(warehouse, "deleted") == [("Bronze", at(1), at(3)), ("Bronze", at(5), None)]


def test_of_one_instant_only_the_newer_row_is_a_version(warehouse):
    assert history(warehouse, "instant") == [("Gold", at(1), None)]


def test_of_one_instant_the_row_of_the_later_batch_is_the_newer(warehouse):
    assert history(warehouse, "later batch") == [("Gold", at(1), None)]


def test_a_change_of_a_masked_column_is_a_version(warehouse):
    assert len(history(warehouse, "phone")) == 2
    masked = warehouse.ask(
        "select distinct phone_masked from snapshots.customers_history where customer_id = 'phone'"
    )
    assert masked == [("*******18",)]


def test_a_quarantined_row_is_neither_version_nor_deletion(warehouse):
    assert history(warehouse, "quarantined") == [("Bronze", at(1), None)]


def test_without_a_sequence_value_the_batch_date_counts(warehouse):
    assert history(warehouse, "clockless") == [
        ("Bronze", datetime(2025, 1, 3), datetime(2025, 1, 5)),
        ("Gold", datetime(2025, 1, 5), None),
    ]


def test_the_newest_row_wins_in_silver(warehouse):
    newest = dict(warehouse.ask("select customer_id, loyalty_tier from silver.customers"))
    assert newest["C1"] == newest["late"] == "Gold"
    assert newest["quarantined"] == "Bronze"


def test_what_waits_for_its_parent_comes_back_by_itself(tmp_path):
    warehouse = Warehouse.at(tmp_path)
    order = {"order_id": "O1", "customer_id": "C9", "order_date": day(2), "order_status": "shipped"}
    deliver(
        warehouse, "orders_2025_01_02.csv", [order, order | {"order_id": "O2", "customer_id": "x"}]
    )
    held = "select business_key, rejection_reasons, attempts from silver.quarantine order by 1"
    assert warehouse.ask(held) == [
        ("O1", ["customer_unknown"], 1),
        ("O2", ["customer_unknown"], 1),
    ]
    assert warehouse.ask("select order_id from silver.orders") == []

    deliver(warehouse, "customers_2025_01_03.ndjson", [customer("Gold", day(3), "C9")])
    assert warehouse.ask(held) == [("O2", ["customer_unknown"], 2)]
    assert warehouse.ask("select order_id from silver.orders") == [("O1",)]


def test_a_belief_never_ends_before_it_began_although_the_clock_was_set_back(tmp_path):
    warehouse = Warehouse.at(tmp_path)
    select = ("--select", "+customers_history")
    warehouse.deliver({"customers_2025_01_02.ndjson": [customer("Bronze", day(1))]}, *select)
    warehouse.ask(
        "update snapshots.customers_history set dbt_valid_from = dbt_valid_from + interval 1 day"
    )
    ((ahead,),) = warehouse.ask("select max(dbt_valid_from) from snapshots.customers_history")

    for number, tier in ((3, "Silver"), (4, "Gold")):
        name = f"customers_2025_01_0{number}.ndjson"
        warehouse.deliver({name: [customer(tier, day(number))]}, *select)

    beliefs = "from snapshots.customers_history where customer_id = 'C1'"
    assert warehouse.ask(
        f"select loyalty_tier, valid_to, dbt_valid_to is null {beliefs} order by dbt_valid_from, 2"
    ) == [
        ("Bronze", None, False),
        ("Bronze", at(3), True),
        ("Silver", None, False),
        ("Silver", at(4), True),
        ("Gold", None, True),
    ]
    turned = "dbt_valid_from < ? or dbt_valid_to <= dbt_valid_from"
    assert warehouse.ask(f"from snapshots.customers_history where {turned}", ahead) == []


def test_knowledge_time_is_utc_wherever_the_machine_stands(tmp_path):
    plugin = Plugin("orderhouse", {"data_dir": str(tmp_path), "project_dir": str(PROJECT_DIR)})
    with duckdb.connect() as cursor:
        cursor.execute("set TimeZone = 'America/New_York'")
        plugin.configure_cursor(cursor)
        ((zone,),) = cursor.execute("select current_setting('TimeZone')").fetchall()
    assert zone == "UTC"
