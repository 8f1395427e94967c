"""dbt without the rest: on a fresh clone, with its unit tests, with a business clock of choice."""

from datetime import date

from warehouse import Warehouse, assert_passed


def test_a_bare_build_passes_with_nothing_landed_unit_tests_included(tmp_path):
    warehouse = Warehouse.at(tmp_path)

    result = warehouse.dbt("build")

    assert_passed(result)
    assert any(row.node.resource_type == "unit_test" for row in result.result)
    assert warehouse.ask("select count(*) from gold.dim_date") > [(8000,)]
    assert warehouse.ask("from gold.fact_sales") == []


def test_a_day_of_choice_is_the_business_clock(tmp_path):
    warehouse = Warehouse.at(tmp_path)
    for day in ("14", "15"):
        warehouse.drop_rows(f"customers_2025_01_{day}.ndjson", [{"customer_id": day}])
    warehouse.load()

    assert warehouse.build("--select", "+business_clock").success
    assert warehouse.ask("from silver.business_clock") == [(date(2025, 1, 15),)]

    assert warehouse.build(
        "--select", "+business_clock", "--vars", "as_of_date: 2025-03-01"
    ).success
    assert warehouse.ask("from silver.business_clock") == [(date(2025, 3, 1),)]
