"""The tables `gold.sales_forecast` and `gold.forecast_accuracy`, from the tables of sales in gold.

Belongs here: which series there are, from when to when, and how forecasts stand in gold. Does not:
the method (`method.py`), when it runs (`step.py`). dbt knows the tables as the source `forecast`
(`models/gold/_forecast__sources.yml`).

Importing this module costs nothing: dbt's plugin makes the tables, so that readers find them before
the first night, empty.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from duckdb import DuckDBPyConnection

from orchestration.transaction import transaction

MEASURES = ("units", "net_amount")
# One row per category, measure and day ahead.
FORECAST_COLUMNS = {
    "category": "varchar",
    "measure": "varchar",
    "forecast_date": "date",
    "days_ahead": "integer",
    "expected": "decimal(38,2)",
    "lower_80": "decimal(38,2)",
    "upper_80": "decimal(38,2)",
    "lower_95": "decimal(38,2)",
    "upper_95": "decimal(38,2)",
    "status": "varchar",
    "last_day": "date",
}
# One row per category and measure.
ACCURACY_COLUMNS = {
    "category": "varchar",
    "measure": "varchar",
    "status": "varchar",
    "reason": "varchar",
    "first_day": "date",
    "last_day": "date",
    "days": "integer",
    "method": "varchar",
    "origins": "integer",
    "mean_absolute_error": "double",
    "seasonal_naive_error": "double",
    "mase": "double",
    "mase_in_sample": "double",
    "covered_origins": "integer",
    "coverage_80": "double",
    "coverage_95": "double",
}
TABLES = {
    "gold.sales_forecast": FORECAST_COLUMNS,
    "gold.forecast_accuracy": ACCURACY_COLUMNS,
}

# Days of lines of revenue orders up to the last day that has any order: an export made at night
# bears the next day's date, whose sales are not zero but not known yet. What is dated after the
# business clock is a mistake. A category begins with its first sale in the days that matter.
_SALES = """
with last_day as (
    select max(cast(ordered_at as date)) as date_day from gold.fact_orders
    where cast(ordered_at as date) <= (select as_of_date from silver.business_clock)
),
sales as (
    select
        coalesce(dim_product.category, 'unknown') as category,
        cast(fact_sales.ordered_at as date) as date_day,
        sum(fact_sales.quantity) as units,
        sum(fact_sales.net_amount) as net_amount
    from gold.fact_sales
    inner join gold.dim_product on fact_sales.product_key = dim_product.product_key
    inner join last_day on cast(fact_sales.ordered_at as date) <= last_day.date_day
        and cast(fact_sales.ordered_at as date) > last_day.date_day - ?
    where fact_sales.is_revenue
    group by all
),
days as (
    select
        category,
        unnest(generate_series(min(sales.date_day), any_value(last_day.date_day), interval 1 day))
            as date_day
    from sales cross join last_day group by category
)
select
    category, min(date_day)::date, max(date_day)::date,
    list(coalesce(units, 0)::double order by date_day) as units,
    list(coalesce(net_amount, 0)::double order by date_day) as net_amount
from days left join sales using (category, date_day)
group by category order by category
"""


@dataclass(frozen=True)
class Summary:
    """What a refresh found: series with a forecast, and series that are too short."""

    forecasts: int
    too_short: int

    @property
    def sentence(self) -> str:
        if not self.forecasts and not self.too_short:
            return "No sales yet: nothing to forecast."
        short = f"; {self.too_short} are too short for one" if self.too_short else ""
        return f"{self.forecasts} series have a forecast{short}."


def create_forecast(connection: DuckDBPyConnection) -> None:
    """Make the two tables, empty, where they are missing."""
    connection.execute("create schema if not exists gold")
    for table, columns in TABLES.items():
        connection.execute(f"create table if not exists {table} ({_listed(columns)})")


def refresh_forecast(connection: DuckDBPyConnection) -> Summary:
    """Forecast every category from gold as it stands, and replace both tables in one transaction.

    The same gold gives the same rows. `connection` is one to the warehouse, of the only writer.
    """
    from orchestration.forecast.method import MOST_DAYS

    create_forecast(connection)
    forecasts: list[tuple[Any, ...]] = []
    accuracies: list[tuple[Any, ...]] = []
    for category, first_day, last_day, *series in connection.execute(
        _SALES, [MOST_DAYS]
    ).fetchall():
        for measure, history in zip(MEASURES, series, strict=True):
            rows, scores = _forecast(history, last_day)
            forecasts += [(category, measure, *row) for row in rows]
            span = (first_day, last_day, len(history))
            accuracies.append((category, measure, *scores[:2], *span, *scores[2:]))
    with transaction(connection):
        for (table, columns), rows in zip(TABLES.items(), (forecasts, accuracies), strict=True):
            connection.execute(f"create or replace table {table} ({_listed(columns)})")
            if rows:
                values = ", ".join("unnest(?)" for _ in columns)
                connection.execute(
                    f"insert into {table} select {values}",
                    [list(column) for column in zip(*rows, strict=True)],
                )
    made = sum(scores[2] == "forecast" for scores in accuracies)
    return Summary(made, len(accuracies) - made)


def _forecast(
    history: list[float], last_day: date
) -> tuple[Iterator[tuple[Any, ...]], tuple[Any, ...]]:
    """Rows of sales_forecast and the row of forecast_accuracy, without what names the series."""
    import numpy as np

    from orchestration.forecast.method import FEWEST_DAYS, HORIZON, LEVELS, forecast_series

    dates = [(last_day + timedelta(days=ahead), ahead) for ahead in range(1, HORIZON + 1)]
    if len(history) < FEWEST_DAYS:
        reason = f"{len(history)} days since its first sale; {FEWEST_DAYS} are needed."
        figures = [None] * (1 + 2 * len(LEVELS))
        rows = ((*day, *figures, "too_short", last_day) for day in dates)
        return rows, ("too_short", reason, *[None] * (len(ACCURACY_COLUMNS) - 7))
    forecast, accuracy = forecast_series(np.array(history))
    figures = np.column_stack(
        [forecast.expected, *(bound for level in LEVELS for bound in forecast.bounds[level])]
    ).round(2)
    rows = (
        (*day, *row, "forecast", last_day) for day, row in zip(dates, figures.tolist(), strict=True)
    )
    return rows, (
        "forecast",
        None,
        accuracy.method,
        accuracy.origins,
        accuracy.error,
        accuracy.seasonal_naive_error,
        accuracy.mase,
        accuracy.mase_in_sample,
        accuracy.covered_origins,
        *(accuracy.coverage[level] for level in LEVELS),
    )


def _listed(columns: dict[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in columns.items())
