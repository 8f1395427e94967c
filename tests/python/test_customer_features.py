"""Features say what was known on their day: by files up to it, of orders up to it, for good."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warehouse import Warehouse, assert_passed

from orchestration.demo import generate
from orchestration.loader.load import connect
from orchestration.loader.retract import retract

FIRST_DAY = date(2025, 1, 6)  # a Monday
DAYS = 28
SUNDAYS = [FIRST_DAY + timedelta(days) for days in range(6, DAYS, 7)]
REVENUE = {"completed": True, "pending": True, "cancelled": False}
MODELS = ("as_of_dates", "customer_features")


@dataclass(frozen=True)
class Report:
    """A row of a file of its own: what it says of an order, or of a customer (`order` None).

    `batch` and `day` are days after FIRST_DAY: of the file, and of the row's own time. `status` is
    None for a deletion.
    """

    file: str
    customer: str
    order: str | None
    batch: int
    day: int
    ordered: int
    status: str | None
    amount: int


REPORTS = st.lists(
    st.builds(
        Report,
        file=st.text("abc", min_size=6, max_size=6),
        customer=st.sampled_from("ABC"),
        order=st.sampled_from([None, "1", "2", "3", "4"]),
        batch=st.integers(0, DAYS - 1),
        day=st.integers(-3, DAYS + 5),
        ordered=st.integers(-400, DAYS + 5),
        status=st.sampled_from([*REVENUE, None]),
        amount=st.integers(0, 999),
    ),
    max_size=14,
    unique_by=lambda report: report.file,
)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory) -> dict[str, str]:
    """Model → its SQL, of a full build."""
    warehouse = Warehouse.at(tmp_path_factory.mktemp("compiled"))
    result = warehouse.dbt("compile", "--select", *MODELS, "--full-refresh")
    return {one.node.name: one.node.compiled_code for one in result.result.results}


# Columns of staging that say something here; the others are there, and null.
PLACE = "is_deletion, is_accepted, _sequence_at, _batch_date, _file_id, _file_name, _row_number"
ORDER = "order_id, customer_id, order_date, order_status, total_amount, rejection_reasons"
OF_NO_INTEREST = {
    "stg_customers": "email_hash, email_domain, has_email, phone_masked, birth_year, gender,"
    " registration_date, preferences, created_at, updated_at",
    "stg_orders": "shipping_amount, currency, payment_method, shipping_address_id, created_at,"
    " updated_at",
}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(
            """
            attach ':memory:' as warehouse; use warehouse;
            create schema silver; create schema seeds;
            create table silver.stg_customers (customer_id varchar, loyalty_tier varchar,
                is_deletion boolean, is_accepted boolean, _sequence_at timestamp,
                _batch_date date, _file_id bigint, _file_name varchar, _row_number bigint);
            create table silver.stg_orders (order_id varchar, customer_id varchar,
                order_date timestamp, order_status varchar, total_amount decimal(18,2),
                discount_amount decimal(18,2), channel varchar, rejection_reasons varchar[],
                is_deletion boolean, is_accepted boolean, _sequence_at timestamp,
                _batch_date date, _file_id bigint, _file_name varchar, _row_number bigint);
            create table silver.business_clock (as_of_date date);
            create table seeds.order_statuses (status varchar, is_revenue boolean,
                valid_from date, valid_to date);
            """
        )
        for table, columns in OF_NO_INTEREST.items():
            for column in columns.split(", "):
                connection.execute(f"alter table silver.{table} add column {column} varchar")
        connection.executemany(
            "insert into seeds.order_statuses values (?, ?, null, null)", [*REVENUE.items()]
        )
        yield connection


def at(day: int) -> datetime:
    return datetime.combine(FIRST_DAY + timedelta(day), time(12))


def features(
    connection: duckdb.DuckDBPyConnection,
    compiled: dict[str, str],
    reports: list[Report],
    today: date = FIRST_DAY + timedelta(DAYS - 1),
) -> set[tuple]:
    """Rows of customer_features when these reports were delivered and no others, as staging then
    has them: an order whose customer is not known waits in quarantine."""
    known = {report.customer for report in reports if report.order is None}
    for table in ("stg_customers", "stg_orders", "business_clock"):
        connection.execute(f"delete from silver.{table}")
    for number, report in enumerate(reports):
        is_deletion = report.status is None
        # A customer's report is always accepted, as that of a known customer's order is.
        waits = bool(report.order) and not is_deletion and report.customer not in known
        batch = at(report.batch).date()
        row = [is_deletion, not waits, at(report.day), batch, number, report.file, 1]
        if report.order is None:
            table, columns = "stg_customers", "customer_id, loyalty_tier"
            row = [report.customer, report.status, *row]
        else:
            table, columns = "stg_orders", ORDER
            said = [report.customer, at(report.ordered), report.status, report.amount]
            reasons = ["customer_unknown"] if waits else []
            row = [report.order, *([None] * 4 if is_deletion else said), reasons, *row]
        connection.execute(
            f"insert into silver.{table} ({columns}, {PLACE}) values ({', '.join('?' * len(row))})",
            row,
        )
    connection.execute("insert into silver.business_clock values (?)", [today])
    connection.execute(f"create or replace table silver.as_of_dates as {compiled['as_of_dates']}")
    return set(connection.execute(compiled["customer_features"]).fetchall())


def expected(reports: list[Report], sunday: date) -> set[tuple]:
    """(customer, orders, days since the last, amount) of a Sunday, by hand from what had come."""
    newest: dict[tuple, Report] = {}

    def rank(report: Report) -> tuple:
        return (report.day, report.batch, report.file)

    for report in reports:
        if max(at(report.batch).date(), at(report.day).date()) <= sunday:
            key = (report.order,) if report.order else (None, report.customer)
            if key not in newest or rank(report) > rank(newest[key]):
                newest[key] = report
    found = set()
    for key, customer in newest.items():
        orders = [
            report
            for report in newest.values()
            if report.order and report.status and report.customer == customer.customer
            if at(report.ordered).date() <= sunday
        ]
        if key[0] is None and customer.status and orders:
            last = min((sunday - at(report.ordered).date()).days for report in orders)
            amount = sum(report.amount for report in orders if REVENUE[report.status])
            if last < 364:
                found.add((customer.customer, len(orders), last, Decimal(amount)))
    return found


@settings(max_examples=settings.default.max_examples // 5)
@given(reports=REPORTS, sunday=st.sampled_from(SUNDAYS))
def test_later_deliveries_change_no_row_of_an_earlier_day(connection, compiled, reports, sunday):
    until = [report for report in reports if at(report.batch).date() <= sunday]
    of_then = features(connection, compiled, until, today=sunday)
    now = features(connection, compiled, reports)
    assert {row for row in now if row[1] <= sunday} == of_then


@settings(max_examples=settings.default.max_examples // 5)
@given(reports=REPORTS)
def test_features_are_those_of_orders_known_on_the_day(connection, compiled, reports):
    rows = features(connection, compiled, reports)
    weeks = {at(report.batch).date().isocalendar()[:2] for report in reports}
    for sunday in SUNDAYS:
        has_row = sunday.isocalendar()[:2] in weeks
        found = {(row[0], row[5], row[4], row[14]) for row in rows if row[1] == sunday}
        assert found == (expected(reports, sunday) if has_row else set())


def test_weekly_builds_give_what_a_rebuild_gives(tmp_path):
    """By the real loader and dbt: late parents, corrections and faults, a build a week."""
    warehouse = Warehouse.at(tmp_path / "data")
    everything = tmp_path / "landing"
    labels = tmp_path / "labels.jsonl"
    start = date(2025, 1, 16)
    generate(everything, days=12, orders=150, faults=True, start=start, labels_path=labels)
    select = ("--select", "+customer_features", "+customer_labels")
    before: set[tuple] = set()
    for week, last_day in enumerate(("2025_01_19", "2025_01_26", "2025_01_27")):
        for path in everything.iterdir():
            if _day_of(path.name) <= last_day:
                path.rename(warehouse.settings.landing / path.name)
        warehouse.load()
        assert_passed(warehouse.build(*select, "--exclude-resource-type", "test"))
        rows = set(warehouse.ask("from gold.customer_features"))
        assert len({row[1] for row in rows}) == min(week + 1, 2)
        assert before <= rows
        before = rows
    assert_passed(warehouse.dbt("test", "--select", "customer_features", "customer_labels"))
    assert warehouse.ask("select count(*) from gold.customer_labels") == [(len(rows),)]


def test_who_went_with_the_newest_sunday_leaves_no_row(tmp_path):
    warehouse = Warehouse.at(tmp_path)
    select = ("--select", "+customer_features", "+customer_labels")
    for day, customer in ((12, "C1"), (19, "C2")):
        ordered = {"order_date": f"2025-01-{day}T08:00:00Z", "order_status": "completed"}
        warehouse.deliver(
            {
                f"customers_2025_01_{day}.ndjson": [{"customer_id": customer}],
                f"orders_2025_01_{day}.csv": [
                    {"order_id": f"O{day}", "customer_id": customer, **ordered}
                ],
            },
            *select,
        )
    rows = "select distinct customer_id, as_of_date::text from gold.{} order by all"
    known = [("C1", "2025-01-12"), ("C1", "2025-01-19"), ("C2", "2025-01-19")]
    assert warehouse.ask(rows.format("customer_features")) == known
    with closing(connect(warehouse.settings)) as connection:
        for feed, ending in (("customers", "ndjson"), ("orders", "csv")):
            retract(connection, f"{feed}_2025_01_19.{ending}", "a test")
    assert_passed(warehouse.build(*select))
    for table in ("customer_features", "customer_labels"):
        assert warehouse.ask(rows.format(table)) == known[:1]


def _day_of(name: str) -> str:
    """The batch date in a file's name; nothing for names without one, which come at once."""
    parts = name.partition(".")[0].split("_")
    days = ["_".join(parts[at : at + 3]) for at in range(len(parts) - 2) if parts[at].isdigit()]
    return days[0] if days else ""
