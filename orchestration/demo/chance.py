"""Seeded chance in SQL, and the plan of how large a demo shop is.

Belongs here: the macros every table draws from, the sizes, the calendar.
Does not: what is drawn (`people.py`, `shop.py`, `fulfilment.py`, `visits.py`).
"""

from dataclasses import dataclass
from datetime import date, timedelta

from duckdb import DuckDBPyConnection

# A number in [0, 1) that depends on seed, subject and a word for what is drawn, on nothing else:
# random() would differ with the number of threads, hash() between versions of DuckDB. It is the
# usual multiply and xor-shift mix on 32 bits, kept inside bigint.
_MACROS = """
create macro fold_bits(h) as xor(h, h >> 16);
create macro dice(subject, word) as fold_bits(
    fold_bits(
        fold_bits(
            (subject * 2654435761 + (md5_number('{seed}:' || word) % 4294967296)::bigint)
            & 4294967295
        ) * 73244475 & 4294967295
    ) * 73244475 & 4294967295
) / 4294967296;
create macro die(sides, subject, word) as floor(dice(subject, word) * sides)::bigint;
create macro pick(choices, subject, word) as
    choices[die(len(choices), subject, word) + 1];
create macro money(cents) as (cents / 100)::decimal(18, 2);
create macro numbered(prefix, digits, number) as
    prefix || lpad(number::varchar, digits, '0');
create macro customers_on(day) as
    {known_customers} + ({customers} - {known_customers}) * (day + 1) // {days};
create macro products_on(day) as
    {known_products} + ({products} - {known_products}) * (day + 1) // {days};
"""
_WEEKDAY_WEIGHTS = (0.95, 0.9, 0.92, 1.0, 1.15, 1.25, 1.1)  # Monday first
_GROWTH_PER_DAY = 0.004
_SHARE_OF_NEW_CUSTOMERS = 0.2
_SHARE_OF_NEW_PRODUCTS = 0.1


@dataclass(frozen=True)
class Plan:
    """How large the demo shop is: `days` batches from `start` on, `orders` over all of them.

    `more_days` go on after them as the shop was growing; the days before keep their bytes.
    """

    days: int
    orders: int
    seed: int
    start: date
    more_days: int = 0

    @property
    def all_days(self) -> int:
        return self.days + self.more_days

    @property
    def all_orders(self) -> int:
        return self.orders_before()[-1]

    @property
    def all_customers(self) -> int:
        return self._grown(self.known_customers, self.customers)

    @property
    def all_products(self) -> int:
        return self._grown(self.known_products, self.products)

    def _grown(self, known: int, planned: int) -> int:
        # Rounded up: who comes on the last day comes whole, however long the shop goes on.
        return known - (known - planned) * self.all_days // self.days

    @property
    def customers(self) -> int:
        return max(60, self.orders // 4)

    @property
    def known_customers(self) -> int:
        """Customers that registered before `start`; the others do so day by day."""
        return self.customers - int(self.customers * _SHARE_OF_NEW_CUSTOMERS)

    @property
    def products(self) -> int:
        return max(60, min(3000, self.orders // 20))

    @property
    def known_products(self) -> int:
        """Products launched before `start`; the others are, day by day."""
        return self.products - int(self.products * _SHARE_OF_NEW_PRODUCTS)

    def day(self, number: int) -> date:
        """The date of batch `number`, counted from 0."""
        return self.start + timedelta(days=number)

    def orders_before(self) -> list[int]:
        """For each day, then for the end, how many orders were placed before it."""
        weights = [
            _WEEKDAY_WEIGHTS[self.day(number).weekday()] * (1 + _GROWTH_PER_DAY) ** number
            for number in range(self.all_days)
        ]
        total = sum(weights[: self.days])
        return [round(self.orders * sum(weights[:day]) / total) for day in range(self.all_days + 1)]


def create_chance(connection: DuckDBPyConnection, plan: Plan) -> None:
    """Make the macros and the table `calendar`: one row per day with the
    orders placed on it."""
    connection.execute(
        _MACROS.format(
            seed=int(plan.seed),
            days=plan.days,
            customers=plan.customers,
            known_customers=plan.known_customers,
            products=plan.products,
            known_products=plan.known_products,
        )
    )
    before = plan.orders_before()
    insert_rows(
        connection,
        "calendar",
        "day bigint, date date, first_order bigint, orders bigint",
        [
            (day, plan.day(day), before[day], before[day + 1] - before[day])
            for day in range(plan.all_days)
        ],
    )


def insert_rows(
    connection: DuckDBPyConnection, table: str, columns: str, rows: list[tuple]
) -> None:
    """Create `table` with `columns` (names and types) and fill it in one statement."""
    connection.execute(f"create table {table} ({columns})")
    marks = ", ".join(["(" + ", ".join("?" * len(rows[0])) + ")"] * len(rows))
    connection.execute(
        f"insert into {table} values {marks}", [value for row in rows for value in row]
    )
