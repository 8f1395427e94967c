"""A column's type changes in a contract after history exists: beliefs keep what was delivered."""

from decimal import Decimal

import pytest
from warehouse import Warehouse, assert_passed

CONTRACTS = "models/bronze/_bronze__sources.yml"
PRODUCT = {"product_id": "P1", "product_name": "Lamp", "price": "10.00"}


def deliver(warehouse: Warehouse, day: int, weight: str) -> None:
    row = PRODUCT | {"weight_kg": weight, "updated_at": f"2025-01-{day}T08:00:00Z"}
    warehouse.drop_rows(f"products_2025_01_{day}.ndjson", [row])
    warehouse.load()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """History holds a weight of three decimals, then the contract has five."""
    warehouse = Warehouse.with_own_project(tmp_path_factory.mktemp("types"))
    deliver(warehouse, 15, "1.234")
    assert_passed(warehouse.build("--select", "+products_history"))
    change_type(warehouse, "10,3", "12,5")
    deliver(warehouse, 16, "1.23456")
    assert_passed(warehouse.build("--select", "+products_history"))
    return warehouse


def change_type(warehouse: Warehouse, before: str, after: str) -> None:
    file = warehouse.settings.project_dir / CONTRACTS
    text = file.read_text()
    place = text.index("- name: weight_kg")
    file.write_text(text[:place] + text[place:].replace(f"({before})", f"({after})", 1))


def test_a_wider_type_rounds_nothing(warehouse):
    assert warehouse.ask(
        "select weight_kg from snapshots.products_history where dbt_valid_to is null order by all"
    ) == [(Decimal("1.23400"),), (Decimal("1.23456"),)]


def test_a_type_that_would_round_beliefs_is_refused(warehouse):
    change_type(warehouse, "12,5", "12,1")
    result = warehouse.build("--select", "+products_history")
    said = " ".join(str(row.message) for row in result.result if row.status == "error")
    assert "column weight_kg has the type DECIMAL(12,5), but products_versions has" in said
    command = 'alter table "snapshots"."products_history" alter column weight_kg set data type'
    assert f"{command} DECIMAL(12,1) using try_cast(weight_kg as DECIMAL(12,1))" in said
    assert warehouse.ask("select max(weight_kg) from snapshots.products_history") == [
        (Decimal("1.23456"),)
    ]

    warehouse.ask(f"{command} DECIMAL(12,1) using try_cast(weight_kg as DECIMAL(12,1))")
    assert_passed(warehouse.build("--select", "+products_history"))
