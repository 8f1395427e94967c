"""What will be sold: better than the last week again, with intervals that hold what they say."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta

import dagster as dg
import duckdb
import numpy as np
import pytest
import yaml

from orchestration.definitions import build_definitions
from orchestration.forecast.method import FEWEST_DAYS, HORIZON, forecast_series
from orchestration.forecast.step import forecast_sales
from orchestration.forecast.tables import TABLES, create_forecast, refresh_forecast
from orchestration.loader.load import connect
from orchestration.publish import current_file, current_version, rollback
from orchestration.settings import PROJECT_DIR, ConfigurationError, Settings

DAYS = 760
WEEK = np.array([0.8, 0.85, 0.9, 1.0, 1.2, 1.4, 0.85])
LAST_DAY = date(2025, 6, 29)
DAY = np.arange(DAYS)
# Each with the noise of counted sales; the shift falls into the year of the backtest.
SHAPES = {
    "weekly season": np.full(DAYS, 40),
    "trend and season": 20 + 60 * DAY / DAYS,
    "level shift": np.where(DAY < DAYS - 120, 30, 55),
}


def sales(shape: str, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).poisson(SHAPES[shape] * WEEK[DAY % 7]).astype(float)


@pytest.mark.parametrize("shape", SHAPES)
def test_backtest_beats_the_last_week_and_intervals_hold_what_they_say(shape: str) -> None:
    scores = [forecast_series(sales(shape, seed))[1] for seed in range(3)]
    assert {score.origins for score in scores} == {52}
    assert {score.covered_origins for score in scores} == {43}
    assert all(score.method == "mstl_ets" and score.mase < 1 for score in scores)
    assert np.mean([score.mase for score in scores]) < 0.9
    assert 0.73 <= np.mean([score.coverage[80] for score in scores]) <= 0.87
    assert 0.88 <= np.mean([score.coverage[95] for score in scores]) <= 0.99


@pytest.mark.parametrize("shape", SHAPES)
def test_days_never_seen_fare_like_the_backtest(shape: str) -> None:
    """The scores are no reward for knowing the outcome: the last 28 days were kept back."""
    inside, errors, naive_errors = [], [], []
    for seed in range(6):
        known, outcome = np.split(sales(shape, 100 + seed), [DAYS - HORIZON])
        forecast, _ = forecast_series(known)
        lower, upper = forecast.bounds[80]
        inside.append(((lower <= outcome) & (outcome <= upper)).mean())
        errors.append(np.abs(outcome - forecast.expected).mean())
        naive_errors.append(np.abs(outcome - np.tile(known[-7:], 4)).mean())
    assert 0.73 <= np.mean(inside) <= 0.87
    assert np.mean(errors) < np.mean(naive_errors)


@pytest.mark.parametrize(
    ("name", "history"),
    [
        ("one piece every day", np.ones(FEWEST_DAYS)),
        ("one sale in all", np.eye(1, 200)[0]),
        ("a sale now and then", (np.arange(300) % 17 == 0).astype(float)),
        ("amounts of 10^15", np.arange(200) * 1e13 + 1e15),
    ],
)
def test_odd_series_give_finite_figures_in_order(name: str, history: np.ndarray) -> None:
    forecast, accuracy = forecast_series(history)
    (lower_80, upper_80), (lower_95, upper_95) = forecast.bounds[80], forecast.bounds[95]
    figures = [np.zeros(HORIZON), lower_95, lower_80, forecast.expected, upper_80, upper_95]
    assert np.isfinite(figures).all(), name
    assert (np.diff(np.array(figures), axis=0) >= 0).all()
    assert accuracy.mase is None or accuracy.mase <= 1


def test_a_week_that_repeats_is_forecast_as_it_is() -> None:
    week = np.array([1.0, 2, 3, 4, 5, 6, 7])
    forecast, accuracy = forecast_series(np.tile(week, 20))
    assert accuracy.method == "seasonal_naive"
    assert np.array_equal(forecast.expected, np.tile(week, 4))
    assert accuracy.mase is None


def test_a_series_one_day_too_short_is_refused() -> None:
    forecast_series(np.ones(FEWEST_DAYS))
    with pytest.raises(ValueError, match="118 days are too few; 119 are needed"):
        forecast_series(np.ones(FEWEST_DAYS - 1))


@pytest.fixture
def gold() -> Iterator[duckdb.DuckDBPyConnection]:
    """As much of gold as a forecast reads: books sell for 200 days, toys for 30."""
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            create schema silver; create schema gold;
            create table silver.business_clock as select date '{LAST_DAY}' + 1 as as_of_date;
            create table gold.dim_product as
                from (values ('b', 'Books'), ('t', 'Toys'), ('-1', null))
                    as p (product_key, category);
            create table gold.fact_sales as
                select product_key, ordered_at, 1 + hash(day) % 5 as quantity,
                    (9.99 * quantity)::decimal(18,2) as net_amount, not day % 50 = 3 as is_revenue
                from (values ('b', 200), ('t', 30)) as p (product_key, days),
                    unnest(range(days)) as ago (day),
                    lateral (select timestamp '{LAST_DAY} 10:00' - to_days(day::int) as ordered_at);
            create table gold.fact_orders as select distinct ordered_at from gold.fact_sales;
            """
        )
        yield connection


def test_a_forecast_per_category_and_measure_and_a_reason_where_there_is_none(gold) -> None:
    summary = refresh_forecast(gold)
    assert summary.sentence == "2 series have a forecast; 2 are too short for one."
    reason = "30 days since its first sale; 119 are needed."
    assert gold.execute(
        "select category, measure, status, reason, days, origins from gold.forecast_accuracy"
        " order by all"
    ).fetchall() == [
        ("Books", "net_amount", "forecast", None, 200, 17),
        ("Books", "units", "forecast", None, 200, 17),
        ("Toys", "net_amount", "too_short", reason, 30, None),
        ("Toys", "units", "too_short", reason, 30, None),
    ]
    assert gold.execute(
        "select status, count(*), min(forecast_date), max(forecast_date), max(days_ahead),"
        " count(expected), count(lower_95), max(last_day)"
        " from gold.sales_forecast group by status order by status"
    ).fetchall() == [
        ("forecast", 56, LAST_DAY + timedelta(1), LAST_DAY + timedelta(28), 28, 56, 56, LAST_DAY),
        ("too_short", 56, LAST_DAY + timedelta(1), LAST_DAY + timedelta(28), 28, 0, 0, LAST_DAY),
    ]
    # Units and amounts of one price are forecast alike, up to the rounding to cents.
    ((ratio,),) = gold.execute(
        "select sum(expected) filter (where measure = 'net_amount')"
        " / sum(expected) filter (where measure = 'units') from gold.sales_forecast"
    ).fetchall()
    assert float(ratio) == pytest.approx(9.99, rel=0.02)


def refresh_changes(gold) -> bool:
    """Refresh the forecast; whether any row of its tables is another than before."""
    before, _, after = content(gold), refresh_forecast(gold), content(gold)
    return before != after


def content(gold) -> list[tuple]:
    create_forecast(gold)
    return [
        row for table in TABLES for row in gold.execute(f"from {table} order by all").fetchall()
    ]


def test_the_same_gold_gives_the_same_forecast(gold) -> None:
    assert refresh_changes(gold)
    before = gold.execute("from gold.sales_forecast order by all").fetchall()
    # Another physical order of the same rows.
    gold.execute(
        "create or replace table gold.fact_sales as from gold.fact_sales order by net_amount"
    )
    assert not refresh_changes(gold)
    assert gold.execute("from gold.sales_forecast order by all").fetchall() == before


def test_neither_a_mistyped_year_nor_a_cancelled_sale_moves_the_forecast(gold) -> None:
    refresh_forecast(gold)
    gold.execute(
        f"""
        insert into gold.fact_orders
            values (timestamp '2099-01-01'), (timestamp '1970-01-01'), (timestamp '{LAST_DAY}');
        insert into gold.fact_sales values ('b', timestamp '2099-01-01', 9, 99.99, true),
            ('b', timestamp '1970-01-01', 9, 99.99, true),
            ('b', timestamp '{LAST_DAY}', 1000, 99999.99, false);
        """
    )
    assert not refresh_changes(gold)
    gold.execute("update gold.fact_sales set is_revenue = true where quantity = 1000")
    assert refresh_changes(gold)


def test_a_sale_of_an_unknown_product_has_the_category_unknown(gold) -> None:
    gold.execute("update gold.fact_sales set product_key = '-1' where product_key = 't'")
    refresh_forecast(gold)
    assert gold.execute(
        "select distinct category from gold.forecast_accuracy order by all"
    ).fetchall() == [("Books",), ("unknown",)]


def test_without_sales_it_says_so() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            """
            create schema silver; create schema gold;
            create table silver.business_clock as select null::date as as_of_date;
            create table gold.dim_product (product_key varchar, category varchar);
            create table gold.fact_sales (product_key varchar, ordered_at timestamp,
                quantity bigint, net_amount decimal(18,2), is_revenue boolean);
            create table gold.fact_orders (ordered_at timestamp);
            """
        )
        assert refresh_forecast(connection).sentence == "No sales yet: nothing to forecast."


def test_the_catalogue_knows_the_tables_as_they_are() -> None:
    path = PROJECT_DIR / "models" / "gold" / "_forecast__sources.yml"
    (source,) = yaml.safe_load(path.read_text(encoding="utf-8"))["sources"]
    described = {
        f"{source['schema']}.{table['name']}": {
            column["name"]: column["data_type"] for column in table["columns"]
        }
        for table in source["tables"]
    }
    assert described == TABLES
    with duckdb.connect() as connection:
        create_forecast(connection)
        create_forecast(connection)
        assert connection.execute("select count(*) from gold.sales_forecast").fetchone() == (0,)


def test_the_night_forecasts_and_publishes_but_never_over_what_somebody_went_back_to(
    copy_of_built,
) -> None:
    settings: Settings = copy_of_built()
    lines: list[str] = []
    with dg.DagsterInstance.ephemeral() as instance:
        night = build_definitions(settings, lines.append).resolve_job_def("nightly")
        result = night.execute_in_process(instance=instance)
    assert "Published version 2." in lines
    (line,) = [line for line in lines if "are too short for one" in line]
    assert line.startswith("0 series have a forecast; ")
    figures = {
        event.asset_key.path[-1]: event.step_materialization_data.materialization.metadata
        for event in result.all_events
        if event.is_step_materialization and event.asset_key.path[0] == "forecast"
    }
    assert set(figures) == {"sales_forecast", "forecast_accuracy"}
    with duckdb.connect(current_file(settings), read_only=True) as published:
        ((rows, short),) = published.execute(
            "select count(*), count(*) filter (where status = 'too_short') from gold.sales_forecast"
        ).fetchall()
    assert rows == short == figures["sales_forecast"]["dagster/row_count"].value > 0

    assert forecast_sales(settings)[1] == "It is the forecast that stood there."
    # What a publish that failed leaves: the forecast stands in the warehouse alone.
    current_file(settings).chmod(0o644)
    with duckdb.connect(current_file(settings)) as published:
        published.execute("delete from gold.sales_forecast")
    assert forecast_sales(settings)[1] == "Published version 3."
    rollback(settings, 1)
    with closing(connect(settings)) as connection:
        connection.execute("delete from gold.forecast_accuracy")
    assert forecast_sales(settings)[1] == "Readers see an earlier version; it is not published."
    assert current_version(settings) == 1

    with closing(connect(settings)) as connection:
        connection.execute("update audit.builds set status = 'failed'")
    with pytest.raises(ConfigurationError, match=r"The last build is failed; the forecast stays"):
        forecast_sales(settings)
