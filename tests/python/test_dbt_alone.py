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


def test_what_no_model_makes_any_more_is_dropped(tmp_path):
    warehouse = Warehouse.at(tmp_path)
    select = ("--select", "+business_clock")
    assert warehouse.build(*select).success
    warehouse.ask(
        "create schema if not exists gold; create table gold.fact_returns as select 1 as n;"
        "create view silver.returns as select 1 as n"
    )

    assert warehouse.build(*select).success
    # The forecast is no model, but known.
    assert warehouse.ask(
        "select table_name from information_schema.tables where table_schema in ('silver', 'gold')"
        " and table_name in ('fact_returns', 'returns', 'sales_forecast', 'business_clock')"
        " order by all"
    ) == [("business_clock",), ("sales_forecast",)]
