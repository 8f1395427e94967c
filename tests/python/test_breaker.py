"""The circuit breaker: what is far off is in bronze, and not published until it is released."""

import shutil
from contextlib import closing
from dataclasses import dataclass, field

import pytest
from warehouse import Warehouse, environment

from orchestration.breaker import build_without_far_off
from orchestration.dbt_runner import DbtRun, invoke
from orchestration.loader.batches import release_batch
from orchestration.loader.load import connect
from orchestration.loader.withhold import withheld_files
from orchestration.settings import PROJECT_DIR

DAYS = range(1, 9)
ORDERS = 40
# Enough of gold, and of its tests those that judge deliveries.
SELECTED = ("--select", "+fact_orders", "+fact_sessions")
OTHER_TESTS = (
    "unique_key",
    "not_null",
    "holds",
    "equals_its_recomputation",
    "accepted_values",
    "relationships",
    "agrees_with",
    "joins_version_at",
    "holds_every_accepted_key",
    "intervals_do_not_overlap",
    "current_belief_is_versions",
    "windows_do_not_overlap",
    "unique_ignoring_case",
)
LEFT_OUT = ("--exclude", "test_type:singular", *(f"test_name:{name}" for name in OTHER_TESTS))
TABLES = ("gold.fact_orders", "gold.fact_sessions", "silver.order_items", "silver.payments")
# Its number is given in the order of loading.
COLUMNS = "columns(lambda name: name <> '_file_id')"


@dataclass
class Shop:
    """A warehouse, built as a run builds it, and what the builds have said."""

    warehouse: Warehouse
    lines: list[str] = field(default_factory=list)

    def drop(self, feed: str, day: int, rows: list[dict], suffix: str = "") -> None:
        self.warehouse.drop_rows(f"{feed}_2025_01_{day:02}{suffix}.ndjson", rows)

    def build(self, *, let_pass: bool = False) -> DbtRun:
        self.warehouse.load()
        settings = self.warehouse.settings
        scratch = settings.data_dir / "dbt"
        args = ["build", "--exclude-resource-type", "unit_test", *SELECTED, *LEFT_OUT]
        args += ["--indirect-selection", "cautious"]
        with environment(DBT_TARGET_PATH=str(scratch / "target"), DBT_LOG_PATH=str(scratch)):
            run = build_without_far_off(
                settings,
                lambda: invoke(settings, args),
                self.lines.append,
                is_whole=True,
                let_pass=let_pass,
            )
        assert run.succeeded, run.reasons()
        return run

    def withheld(self) -> dict[str, str]:
        """File name → why, of what is withheld now."""
        with closing(connect(self.warehouse.settings)) as connection:
            return {one.file_name: one.reason for one in withheld_files(connection)}

    def release(self, batch_id: str) -> str:
        with closing(connect(self.warehouse.settings)) as connection:
            return release_batch(connection, batch_id, "the sale was announced")

    def gold(self) -> dict[str, list[tuple]]:
        return {
            table: sorted(self.warehouse.ask(f"select {COLUMNS} from {table}"), key=repr)
            for table in TABLES
        }


def customers(day: int) -> list[dict]:
    keys = [f"C{day}-{number}" for number in range(ORDERS)]
    return [{"customer_id": key, "updated_at": f"2025-01-{day:02}"} for key in keys]


def orders(day: int, count: int = ORDERS, **more: str) -> list[dict]:
    return [
        {
            "order_id": f"O{day}-{number}",
            "customer_id": f"C{day}-{number % ORDERS}",
            "order_date": f"2025-01-{day:02}T10:00:00Z",
            "order_status": "completed",
            "total_amount": "10.00",
            "updated_at": f"2025-01-{day:02}T10:00:00Z",
            **more,
        }
        for number in range(count)
    ]


def children(feed: str, day: int, count: int = ORDERS, **more: str) -> list[dict]:
    """Lines, payments or parcels, one for each order of a day."""
    own = {
        "order_items": {"product_id": "P1", "quantity": "1", "unit_price": "10.00"},
        "payments": {"amount": "10.00", "transaction_timestamp": f"2025-01-{day:02}T11:00:00Z"},
        "shipments": {"carrier": "DHL"},
    }
    keys = {"order_items": "item_id", "payments": "transaction_id", "shipments": "shipment_id"}
    return [
        {keys[feed]: f"{day}-{number}", "order_id": f"O{day}-{number}", **own[feed], **more}
        for number in range(count)
    ]


def clicks(day: int, count: int = ORDERS, **more: str) -> list[dict]:
    return [
        {
            "event_id": f"E{day}-{number}",
            "session_id": f"S{day}",
            "event_type": "page_view",
            "event_timestamp": f"2025-01-{day:02}T10:00:00Z",
            **more,
        }
        for number in range(count)
    ]


def drop_usual_day(shop: Shop, day: int) -> None:
    shop.drop("customers", day, customers(day))
    shop.drop("orders", day, orders(day, ORDERS + day % 3))
    shop.drop("clickstream", day, clicks(day))
    for feed in ("order_items", "payments", "shipments"):
        shop.drop(feed, day, children(feed, day))


@pytest.fixture(scope="module")
def usual(tmp_path_factory) -> Warehouse:
    """Eight usual days, built. Parcels are never judged: their contract says so."""
    warehouse = Warehouse.with_own_project(tmp_path_factory.mktemp("breaker"))
    warehouse.edit(
        "models/bronze/_bronze__sources.yml",
        "key: [shipment_id]\n              sequence: updated_at\n",
        "key: [shipment_id]\n              breaker: false\n              sequence: updated_at\n",
    )
    shop = Shop(warehouse)
    shop.drop("products", 1, [{"product_id": "P1", "product_name": "P", "price": "10"}])
    for day in DAYS:
        drop_usual_day(shop, day)
    shop.build()
    assert shop.withheld() == {}
    return warehouse


@pytest.fixture
def shop(usual, tmp_path) -> Shop:
    """A copy of the usual days."""
    shutil.copytree(usual.settings.data_dir, tmp_path / "data")
    return Shop(Warehouse.at(tmp_path / "data", usual.settings.project_dir))


def test_what_is_far_off_is_withheld_and_the_rest_is_published_until_it_is_released(shop):
    before = shop.gold()
    shop.drop("customers", 9, customers(9))
    shop.drop("orders", 9, orders(9, 10 * ORDERS))  # ten times the rows
    shop.drop("clickstream", 9, clicks(9, event_type=""))  # all of it quarantined
    shop.drop("order_items", 9, children("order_items", 9))  # waits for its orders
    shop.drop("payments", 9, children("payments", 9, 3))  # hardly any of the rows
    shop.drop("shipments", 9, children("shipments", 9, 10 * ORDERS))  # never judged
    shop.drop("products", 9, [{"product_id": f"P{n}", "product_name": "P"} for n in range(15)])
    drop_usual_day(shop, 10)
    shop.drop("orders", 10, orders(10, 2), suffix="_supplement")  # small, beside a usual one
    shop.drop("clickstream", 4, clicks(4, 30), suffix="_late")
    shop.drop("orders", 11, orders(11))  # waits for its customers
    shop.drop("customers", 12, customers(12))
    shop.drop("orders", 12, orders(12, customer_id="nobody"))  # waits for nothing
    shop.build()

    assert shop.withheld() == {
        "orders_2025_01_09.ndjson": "400 rows; the 8 batch dates before had a median of 41 (MAD 1),"
        " usual are 16 to 102.",
        "clickstream_2025_01_09.ndjson": "100.0 % of 40 rows in quarantine (40); the 8 batch dates"
        " before had a median of 0.0 % (MAD 0.0), usual is up to 50.0 %.",
        "payments_2025_01_09.ndjson": "3 rows; the 8 batch dates before had a median of 40 (MAD 0),"
        " usual are 16 to 100.",
        "orders_2025_01_12.ndjson": "100.0 % of 40 rows in quarantine (40); the 11 batch dates"
        " before had a median of 0.0 % (MAD 0.0), usual is up to 50.0 %.",
    }
    assert shop.warehouse.ask(
        "select status, count(*) from bronze.orders inner join bronze.files on file_id = _file_id"
        " where order_id like 'O9-%' group by status"
    ) == [("withheld", 10 * ORDERS)]
    after = shop.gold()
    days = {row[0].split("-")[0] for row in after["gold.fact_orders"]}
    assert days == {f"O{day}" for day in (*DAYS, 10)}
    assert set(before["gold.fact_orders"]) < set(after["gold.fact_orders"])
    (told,) = [line for line in shop.lines if "orders_2025_01_09.ndjson is loaded" in line]
    assert told.startswith("Alert: Circuit breaker open: orders of batch 2025-01-09")
    assert "400 rows; the 8 batch dates before had a median of 41" in told
    assert 'python -m orchestration release 2025-01-09 --why "…"' in told

    assert "400 rows" in shop.release("2025-01-09")
    shop.release("2025-01-12")
    shop.build()
    assert shop.withheld() == {}
    never = Shop(Warehouse.at(shop.warehouse.settings.data_dir.parent / "never", PROJECT_DIR))
    for path in shop.warehouse.settings.archive.glob("*/*"):
        shutil.copy(path, never.warehouse.settings.landing)
    never.build(let_pass=True)
    assert never.lines == []
    assert shop.gold() == never.gold()


def test_dbt_alone_stops_before_anything_is_built_on_what_is_far_off(shop):
    before = shop.gold()
    shop.drop("orders", 9, orders(9, 10 * ORDERS))
    shop.warehouse.load()
    result = shop.warehouse.build(*SELECTED, *LEFT_OUT)
    assert not result.success
    failed = [row.node.name for row in result.result if row.status == "fail"]
    assert failed == ["deliveries_are_usual_stg_orders_"]
    assert shop.gold() == before
    assert shop.warehouse.ask("from silver.orders where order_id like 'O9-%'") == []
