"""The published version, read for one page.

Belongs here: opening the newest version, running the queries of `queries/` on it, filling in what a
metric is (gold.metrics). Does not: what a figure means, how it looks.
"""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orchestration.warehouse import is_damage

Row = dict[str, Any]

_QUERIES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "queries"),
    undefined=StrictUndefined,
    autoescape=False,
)
_PARAMETER = re.compile(r"\$(\w+)")
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Selection:
    """What a reader chose: days (both included), channels and categories (none: all of them)."""

    from_date: date
    to_date: date
    channels: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def days(self) -> int:
        return (self.to_date - self.from_date).days + 1

    @property
    def grain(self) -> str:
        """Grain of time that gives a chart some 10 to 60 bars: `day`, `week` or `month`."""
        return "day" if self.days <= 62 else "week" if self.days <= 400 else "month"

    def before(self) -> "Selection | None":
        """As many days, right before these; None where the calendar does not go back that far."""
        if self.from_date - date.min < timedelta(days=self.days):
            return None
        return replace(
            self,
            from_date=self.from_date - timedelta(days=self.days),
            to_date=self.from_date - timedelta(days=1),
        )

    def parameters(self) -> Row:
        return {
            "from_date": self.from_date,
            "to_date": self.to_date,
            "channels": list(self.channels),
            "categories": list(self.categories),
        }


@dataclass(frozen=True)
class State:
    """The version at hand. `published_at` is UTC; `currency` is None where there are several,
    `as_of_date` where no file counts. Orders are the whole story from `covered_from`; nothing that
    pages show is before `first_day`."""

    version: int
    published_at: datetime
    as_of_date: date | None
    currency: str | None
    covered_from: date | None
    first_day: date | None


@dataclass(frozen=True)
class Metric:
    """One row of gold.metrics: an aggregate, or a numerator and a denominator."""

    label: str
    description: str
    unit: str
    aggregate: str | None
    numerator: str | None
    denominator: str | None


class Reader:
    """One published version; every figure of a page comes from the same one."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def rows(self, query: str, selection: Selection | None = None, **words: str) -> list[Row]:
        """Rows of `queries/<query>.sql` for a selection; `words` are put into its SQL as they are.

        Raises duckdb.CatalogException where the version lacks what the query reads.
        """
        sql = _QUERIES.get_template(f"{query}.sql").render(metric=self._aggregate, **words)
        given = selection.parameters() if selection else {}
        parameters = {name: given[name] for name in _PARAMETER.findall(sql)}
        result = self._connection.execute(sql, parameters)
        columns = [column[0] for column in result.description]
        return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]

    def row(self, query: str, selection: Selection | None = None) -> Row:
        """The only row of a query that has one."""
        (row,) = self.rows(query, selection)
        return row

    def has_table(self, schema: str, name: str) -> bool:
        """Whether the version has a table."""
        sql = "select 1 from information_schema.tables where table_schema = ? and table_name = ?"
        return bool(self._connection.execute(sql, [schema, name]).fetchall())

    @cached_property
    def state(self) -> State:
        return State(**self.row("state"))

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        result = self._connection.execute(
            "select metric, label, description, unit, aggregate, numerator, denominator"
            " from gold.metrics"
        )
        return {name: Metric(*definition) for name, *definition in result.fetchall()}

    def value(self, name: str, row: Row) -> Decimal | int | None:
        """A metric of a row that holds it, or numerator and denominator; None where that is 0.

        Quotients are exact; amounts are rounded half away from zero at 2 digits.
        """
        metric = self.metrics[name]
        if metric.numerator is None or metric.denominator is None:
            return row[name] or 0
        if not row[metric.denominator]:
            return None
        quotient = Decimal(row[metric.numerator] or 0) / Decimal(row[metric.denominator])
        return quotient.quantize(_CENT, ROUND_HALF_UP) if metric.unit == "amount" else quotient

    def _aggregate(self, name: str) -> str:
        return self.metrics[name].aggregate or ""


@contextmanager
def newest(path: Path) -> Iterator[Reader | None]:
    """A reader of what is published now; None when nothing is, or when it is damaged.

    Opened for each page: whoever publishes swaps the file and is never kept from it. A database in
    memory attaches the file, because DuckDB gives a file that it has open already to whoever asks
    for its name again, also after the swap.
    """
    with closing(duckdb.connect()) as connection:
        try:
            quoted = str(path).replace("'", "''")
            connection.execute(f"attach '{quoted}' as published (read_only)")
        except duckdb.Error as error:
            if path.exists() and not is_damage(str(error)):
                raise
            yield None
            return
        connection.execute("use published")
        yield Reader(connection)
