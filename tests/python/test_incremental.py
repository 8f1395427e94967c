"""A build costs what changed: touched keys only, and whole where nothing can be kept."""

from contextlib import closing
from decimal import Decimal

import duckdb
import pytest
from warehouse import Warehouse, assert_passed, environment

from orchestration.builds import begin_build
from orchestration.publish import current_file, publish, steward_edition, versions

NO_TESTS = ("--exclude-resource-type", "test")
TESTED = ("--select", "*")
# By path: a metric has the name orders, too, and what that reads is more.
ENTITY = "+path:models/silver/entities/orders.sql"
SALES = "+path:models/gold/core/fact_sales.sql"


def orders(*keys: str, amount: str = "10", day: int = 15, **more: str) -> list[dict]:
    return [
        {
            "order_id": key,
            "customer_id": "C1",
            "order_date": f"2025-01-{day}T10:00:00Z",
            "order_status": "completed",
            "total_amount": amount,
            "channel": "web",
            "updated_at": f"2025-01-{day}T10:00:00Z",
            **more,
        }
        for key in keys
    ]


def items(*keys: str, price: str = "10", quantity: str = "1") -> list[dict]:
    """One line for each order, with the order's key."""
    return [
        {
            "item_id": f"{key}-1",
            "order_id": key,
            "product_id": "P1",
            "quantity": quantity,
            "unit_price": price,
            "updated_at": "2025-01-15T10:00:00Z",
        }
        for key in keys
    ]


def deliver(warehouse: Warehouse, *arguments: str, **files: list[dict]) -> None:
    """Drop files (feed_15=rows), load and build; without tests, unless TESTED is asked for."""
    arguments = arguments or NO_TESTS
    days = {name: name.rsplit("_", 1) for name in files}
    named = {f"{feed}_2025_01_{day}.ndjson": files[name] for name, (feed, day) in days.items()}
    warehouse.deliver(named, *arguments)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory) -> Warehouse:
    warehouse = Warehouse.with_own_project(tmp_path_factory.mktemp("incremental"))
    deliver(
        warehouse,
        *TESTED,
        customers_15=[{"customer_id": "C1", "updated_at": "2025-01-01"}],
        products_15=[
            {"product_id": "P1", "product_name": "P", "price": "10", "updated_at": "2025-01-01"}
        ],
        orders_15=orders("A", "B"),
        order_items_15=items("A", "B"),
    )
    return warehouse


def row_ids(warehouse: Warehouse, table: str, key: str) -> dict:
    """key → physical row: a row that was not written again keeps its place."""
    return dict(warehouse.ask(f"select {key}, rowid from {table}"))


def built_whole(warehouse: Warehouse) -> int:
    return warehouse.ask("select sum(number) from changes.written where is_whole")[0][0]


def test_a_new_order_leaves_the_others_where_they_are(warehouse):
    tables = {
        "silver.stg_orders": "order_id",
        "silver.orders": "order_id",
        "gold.fact_orders": "order_id",
        "gold.fact_sales": "item_id",
    }
    before = {table: row_ids(warehouse, table, key) for table, key in tables.items()}
    whole = built_whole(warehouse)
    deliver(
        warehouse,
        *TESTED,
        orders_16=orders("C", day=16, updated_at="2025-01-16"),
        order_items_16=items("C"),
    )
    for table, key in tables.items():
        after = row_ids(warehouse, table, key)
        assert len(after) == 3
        assert before[table].items() <= after.items()
    assert built_whole(warehouse) == whole


def test_what_every_reader_has_read_is_dropped_from_the_logs(warehouse):
    logs = [
        name
        for (name,) in warehouse.ask(
            "select table_name from information_schema.tables"
            " where table_schema = 'changes'"
            " and table_name not in ('read', 'written', 'invocation')"
        )
    ]
    assert "fact_sales" in logs
    assert {log for log in logs if warehouse.ask(f"from changes.{log} limit 1")} == set()


def test_a_build_that_ended_between_two_models_is_continued(warehouse):
    deliver(warehouse, "--select", ENTITY, *NO_TESTS, orders_17=orders("D", day=17))
    assert ("D",) not in warehouse.ask("select order_id from gold.fact_orders")
    deliver(warehouse)
    assert ("D",) in warehouse.ask("select order_id from gold.fact_orders")


def test_a_restated_day_is_marked_and_logged_with_its_old_and_new_amounts(warehouse):
    restated = "select restated_at_batch from gold.agg_daily_sales where date_day = '2025-01-15'"
    assert warehouse.ask(restated) == [(None,)]
    warehouse.drop_rows(
        "order_items_2025_01_18.ndjson",
        [{**items("A", price="7.50")[0], "updated_at": "2025-01-18T10:00:00Z"}],
    )
    deliver(warehouse)
    assert str(warehouse.ask(restated)[0][0]) == "2025-01-18"
    logged = (
        "select cast(restated_at_batch as varchar), old_net_amount, new_net_amount"
        " from audit.restated_days where date_day = '2025-01-15'"
    )
    assert [tuple(map(str, row)) for row in warehouse.ask(logged)] == [
        ("2025-01-18", "20.00", "17.50")
    ]


def test_a_doubled_row_of_a_touched_key_is_written_anew(warehouse):
    sold = "select count(*) from gold.fact_sales where order_id = 'B'"
    with closing(duckdb.connect(str(warehouse.settings.warehouse))) as connection:
        connection.execute("insert into gold.fact_sales from gold.fact_sales where order_id = 'B'")
    assert warehouse.ask(sold) == [(2,)]
    # Says nothing new: the row computed is the one that stands there twice.
    deliver(warehouse, "--select", SALES, *NO_TESTS, order_items_19=items("B"))
    assert warehouse.ask(sold) == [(1,)]


def publish_build(warehouse: Warehouse) -> dict[str, int]:
    with closing(duckdb.connect(str(warehouse.settings.warehouse))) as connection:
        begin_build(connection, str(version := len(versions(warehouse.settings))))
        return publish(connection, warehouse.settings, str(version)).tables


def assert_is_published(warehouse: Warehouse, tables: dict[str, int]) -> None:
    with closing(duckdb.connect(str(warehouse.settings.warehouse))) as connection:
        connection.execute(f"attach '{current_file(warehouse.settings)}' as published (read_only)")
        # What differs by what publishing writes there, or leaves out.
        for table in set(tables) - {"audit.builds", "audit.erasures"}:
            for one, other in (table, f"published.{table}"), (f"published.{table}", table):
                query = f"from {one} except all from {other}"
                assert connection.execute(query).fetchall() == [], query


def test_a_published_version_is_brought_up_to_what_the_working_copy_is(warehouse):
    deliver(warehouse, customers_18=[{"customer_id": " C2 ", "email": "old@mail.example"}])
    publish_build(warehouse)
    warehouse.drop_rows("orders_2025_01_19.ndjson", orders("A", day=19, order_status="shipped"))
    moved = {"customer_id": "C2", "email": "new@mail.example"}
    deliver(warehouse, order_items_19=items("A", "D"), customers_19=[moved])
    tables = publish_build(warehouse)
    assert {"gold.fact_sales", "silver.orders", "silver.quarantine"} <= set(tables)
    assert_is_published(warehouse, tables)
    current = steward_edition(warehouse.settings).current
    with closing(duckdb.connect(current, read_only=True)) as stewards:
        contacts = stewards.execute(
            "select customer_id, email from steward.customers where trim(customer_id) = 'C2'"
        )
        assert contacts.fetchall() == [("C2", "new@mail.example")]


def test_a_model_that_keeps_no_log_any_more_is_published_as_it_is(warehouse):
    model = "models/gold/marts/customer_orders.yml"
    warehouse.edit(model, "materialized: incremental", "materialized: table")
    deliver(warehouse, orders_20=orders("E", day=20))
    tables = publish_build(warehouse)
    assert "gold.customer_orders" in tables
    assert_is_published(warehouse, tables)


def test_a_model_that_is_gone_is_published_no_more(warehouse):
    model = warehouse.settings.project_dir / "models/audit/of_no_use.sql"
    model.write_text("select 1 as one")
    deliver(warehouse, "--select", "of_no_use")
    assert "audit.of_no_use" in publish_build(warehouse)
    model.unlink()
    deliver(warehouse, orders_21=orders("F", day=21))
    tables = publish_build(warehouse)
    assert "audit.of_no_use" not in tables
    assert_is_published(warehouse, tables)


def test_after_dbt_run_by_hand_facts_follow_the_snapshots_it_left_out(warehouse):
    product = {"product_id": "P1", "product_name": "P", "price": "10", "cost_price": "3"}
    warehouse.drop_rows(
        "products_2025_01_20.ndjson", [product | {"updated_at": "2025-01-16T00:00:00Z"}]
    )
    warehouse.load()
    assert_passed(warehouse.dbt("run"))
    deliver(warehouse)
    margin = "select distinct margin_amount from gold.fact_sales where order_id = 'D'"
    assert warehouse.ask(margin) == [(Decimal("7.00"),)]


def test_a_change_of_the_code_builds_everything_whole(warehouse):
    whole = built_whole(warehouse)
    warehouse.edit("models/silver/entities/orders.sql", "with newest", "-- Again.\nwith newest")
    deliver(warehouse)
    assert built_whole(warehouse) > whole
    again = built_whole(warehouse)
    deliver(warehouse)
    assert built_whole(warehouse) == again


def test_another_key_of_the_hashes_builds_everything_whole(warehouse):
    whole = built_whole(warehouse)
    with environment(DBT_ENV_SECRET_PII_KEY="another key"):
        import warehouse as module

        kept, module.PII_KEY = module.PII_KEY, "another key"
        try:
            deliver(warehouse)
        finally:
            module.PII_KEY = kept
    assert built_whole(warehouse) > whole


def test_rules_name_only_models_that_are_built_before(warehouse):
    """Rules stand in YAML and in macros; what they read must be an ancestor in the graph."""
    manifest = warehouse.read_project().result
    models = {node.name: key for key, node in manifest.nodes.items()}
    parents = {key: node.depends_on_nodes for key, node in manifest.nodes.items()}

    def ancestors(key: str) -> set[str]:
        found, todo = set(), list(parents[key])
        while todo:
            if (parent := todo.pop()) not in found:
                found.add(parent)
                todo += parents.get(parent, [])
        return found

    # What each model has read of others, as its marks say: every rule leaves one.
    reads = warehouse.ask(
        "select distinct model, input from changes.read where model not in ('tests', 'published')"
    )
    assert len(reads) > 80
    assert [
        (model, read) for model, read in reads if models[read] not in ancestors(models[model])
    ] == []
