"""What the dashboard is made of, without a browser: colours, words, filters, the newest version."""

import itertools
import math
import operator
import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from conftest import Built
from dash import dcc
from dash.development.base_component import Component

from dashboard import filters, wording
from dashboard.charts import THEMES, Figure, expected_with_intervals
from dashboard.pages import View, customers, forecast, pipeline, sales
from dashboard.published import Reader, Row, Selection, newest
from orchestration.publish import current_file

# How people see who lack one kind of cone, as matrices over linear RGB (Machado, Oliveira and
# Fernandes 2009, severity 1).
_EYES = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "no green": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "no blue": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
# In OKLab, where 0.02 is what people just notice.
_APART = 0.1
_CONTRAST_OF_GRAPHICS, _CONTRAST_OF_TEXT = 3, 4.5


def _linear(color: str) -> list[float]:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]


def _luminance(color: str) -> float:
    red, green, blue = _linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _oklab(linear: list[float]) -> tuple[float, float, float]:
    red, green, blue = (min(1.0, max(0.0, part)) for part in linear)
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    middle = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


@pytest.mark.parametrize("theme", THEMES)
def test_colours_of_charts_keep_apart_for_all_eyes(theme: str) -> None:
    look = THEMES[theme]
    for color in look.series:
        assert _contrast(color, look.surface) >= _CONTRAST_OF_GRAPHICS, color
    for color in (look.ink, look.muted):
        assert _contrast(color, look.surface) >= _CONTRAST_OF_TEXT, color
    for eyes, matrix in _EYES.items():
        seen = {
            color: _oklab([sum(map(operator.mul, row, _linear(color))) for row in matrix])
            for color in look.series
        }
        for one, other in itertools.combinations(look.series, 2):
            assert math.dist(seen[one], seen[other]) >= _APART, (eyes, one, other)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (wording.amount(Decimal("-1234.5")), "\N{MINUS SIGN}1,234.50"),
        (wording.amount(None), wording.NO_VALUE),
        (wording.share(Decimal("0.4567")), "45.7 %"),
        (wording.count(1234567), "1,234,567"),
        (wording.change(120, 100, "count"), "+20.0 %"),
        (wording.change(Decimal("0.41"), Decimal("0.43"), "share"), "\N{MINUS SIGN}2.0 points"),
        (wording.change(120, 0, "count"), None),
        (wording.change(Decimal("0.02"), Decimal(0), "share"), "+2.0 points"),
        (wording.change(None, 100, "count"), None),
        (wording.seconds(119), "119 s"),
        (wording.seconds(120), "2 min"),
        (wording.seconds(None), wording.NO_VALUE),
        (wording.plain(None), wording.NO_VALUE),
        (wording.day(date(2025, 1, 5)), "5 Jan 2025"),
    ],
)
def test_figures_are_said_as_people_read_them(said: str | None, text: str | None) -> None:
    assert said == text


def test_the_days_before_are_as_many_and_end_where_the_range_begins() -> None:
    selection = Selection(date(2025, 3, 1), date(2025, 3, 7), ("web",))
    assert selection.before() == Selection(date(2025, 2, 22), date(2025, 2, 28), ("web",))
    assert Selection(date(1, 1, 9), date(1, 1, 16)).before().from_date == date(1, 1, 1)
    assert Selection(date(1, 1, 9), date(1, 1, 17)).before() is None
    assert Selection(date.min, date.max).before() is None
    assert (selection.days, selection.grain) == (7, "day")
    for days, grain in ((62, "day"), (63, "week"), (400, "week"), (401, "month")):
        last = date(2025, 1, 1) + timedelta(days=days - 1)
        assert Selection(date(2025, 1, 1), last).grain == grain


@pytest.mark.parametrize(
    ("search", "from_date", "to_date"),
    [
        ("", date(2025, 1, 9), date(2025, 1, 15)),
        ("?period=30", date(2024, 12, 17), date(2025, 1, 15)),
        ("?from=2025-01-10&to=2025-01-12", date(2025, 1, 10), date(2025, 1, 12)),
        ("?from=2025-01-12&to=2025-01-10", date(2025, 1, 10), date(2025, 1, 12)),
        ("?from=2025-01-12", date(2025, 1, 12), date(2025, 1, 15)),
        ("?to=2025-01-12", date(2025, 1, 9), date(2025, 1, 12)),
        ("?from=2025-02-01", date(2025, 2, 1), date(2025, 2, 1)),
        ("?to=2024-12-01", date(2024, 12, 1), date(2024, 12, 1)),
        ("?from=2025-01-32&period=nonsense", date(2025, 1, 9), date(2025, 1, 15)),
        ("?from=0002-01-10&to=9999-01-12", date(2025, 1, 9), date(2025, 1, 15)),
    ],
)
def test_an_address_is_a_selection(
    built: Built, search: str, from_date: date, to_date: date
) -> None:
    with newest(current_file(built.settings)) as reader:
        selection = filters.read(f"{search}&channel=web&channel=store", reader).selection
    assert (selection.from_date, selection.to_date) == (from_date, to_date)


# An order of another day.
_STRAY = (
    "insert into gold.fact_orders by name select * replace (timestamp '{}' as ordered_at)"
    " from gold.fact_orders limit 1;"
)


def test_a_stray_order_is_no_history_to_compare_with(built: Built, tmp_path: Path) -> None:
    file = _changed(built, tmp_path, _STRAY.format("2000-01-01"))
    with newest(file) as reader:
        assert filters.read("", reader).selection.days == 7
    assert "Change against the day before, " in str(_sales(file, "?from=2025-01-15"))
    assert "too little of the 30 days before" in str(_sales(file, "?period=30"))


def test_days_before_are_compared_with_when_the_history_covers_all_of_them(built: Built) -> None:
    def page(day: str) -> str:
        return str(_sales(current_file(built.settings), f"?from={day}&to={day}"))

    assert "Change against the day before, 13 Jan 2025." in page("2025-01-14")
    assert "too little of the day before" in page("2025-01-13")


@pytest.mark.parametrize(("first", "days"), [("2024-11-17", 30), ("2024-11-18", 7)])
def test_a_month_is_usual_once_there_are_two(
    built: Built, tmp_path: Path, first: str, days: int
) -> None:
    sql = f"update gold.fact_orders set ordered_at = '{first}'"
    with newest(_changed(built, tmp_path, sql)) as reader:
        assert filters.read("", reader).selection.days == days


@pytest.mark.parametrize(
    ("name", "row", "before", "tone"),
    [
        ("orders", {"orders": 2}, {"orders": 1}, "good"),
        ("orders", {"orders": 1}, {"orders": 2}, "bad"),
        ("orders", {"orders": 2}, {"orders": 2}, ""),
        (
            "return_rate",
            {"returned_orders": 2, "orders": 9},
            {"returned_orders": 1, "orders": 9},
            "bad",
        ),
        (
            "return_rate",
            {"returned_orders": 0, "orders": 9},
            {"returned_orders": 1, "orders": 9},
            "good",
        ),
    ],
)
def test_more_is_good_except_of_returns(
    built: Built, name: str, row: Row, before: Row, tone: str
) -> None:
    with newest(current_file(built.settings)) as reader:
        shown = sales._tile(_view(reader), name, row, before)
    *_, note = shown.children
    assert note.className == f"change {tone}".strip()


def test_an_average_is_rounded_as_money_is(built: Built) -> None:
    with newest(current_file(built.settings)) as reader:
        row = {"net_amount": Decimal("0.25"), "revenue_orders": 2}
        assert reader.value("avg_order_value", row) == Decimal("0.13")


def test_amounts_of_several_currencies_name_none(built: Built, tmp_path: Path) -> None:
    def label(file: Path) -> str:
        tiles, *_ = _sales(file)
        return tiles.children[0].children[0].children

    assert label(current_file(built.settings)) == "Revenue, EUR"
    sql = "update gold.fact_sales set currency = if(channel = 'web', 'CHF', 'EUR')"
    assert label(_changed(built, tmp_path, sql)) == "Revenue"


def test_all_days_since_the_year_1000_are_a_page(built: Built, tmp_path: Path) -> None:
    file = _changed(built, tmp_path, _STRAY.format("1000-01-01"))
    assert "days before, to compare with" in str(_sales(file, "?period=all"))


def test_all_days_are_those_of_all_that_is_shown(built: Built, tmp_path: Path) -> None:
    def first_day(sql: str) -> date:
        with newest(_changed(built, tmp_path, sql)) as reader:
            return filters.read("?period=all", reader).selection.from_date

    visit = (
        "insert into gold.sales_funnel by name select date '2023-05-01' as date_day, 1 as sessions;"
    )
    payment = (
        "insert into gold.fact_payments by name select * replace"
        " (timestamp '2022-05-01' as transaction_at) from gold.fact_payments limit 1;"
    )
    assert first_day(visit) == date(2023, 5, 1)
    assert first_day(visit + payment) == date(2022, 5, 1)
    assert first_day(visit + "delete from gold.fact_orders") == date(2023, 5, 1)


def test_orders_without_lines_are_orders_that_sold_nothing(built: Built, tmp_path: Path) -> None:
    page = str(_sales(_changed(built, tmp_path, "delete from gold.fact_sales"), "?period=all"))
    assert "No orders" not in page
    assert page.count("Nothing was sold in this range.") == 3


def test_cohorts_are_the_last_twelve_over_twelve_months(built: Built, tmp_path: Path) -> None:
    insert = (
        "insert into gold.cohort_retention by name select * replace ({})"
        " from gold.cohort_retention limit 1;"
    )
    with newest(current_file(built.settings)) as reader:
        cohorts = reader.rows("cohorts")
    hidden = ("date '2205-01-01' as cohort_month", "12 as months_since_first")
    with newest(_changed(built, tmp_path, "".join(map(insert.format, hidden)))) as reader:
        assert cohorts == reader.rows("cohorts") != []


@pytest.mark.parametrize(
    ("chosen", "tables", "queries"),
    [
        (
            "channel",
            ("fact_orders", "fact_sales"),
            ("sales_totals", "sales_by_channel", "payment_risk_levels"),
        ),
        (
            "category",
            ("dim_product", "inventory_health"),
            ("sales_by_category", "stock_status", "stock_to_reorder"),
        ),
    ],
)
def test_what_has_no_channel_or_category_is_chosen_as_unknown(
    built: Built, tmp_path: Path, chosen: str, tables: Sequence[str], queries: Sequence[str]
) -> None:
    sql = "".join(f"update gold.{table} set {chosen} = null;" for table in tables)
    with newest(_changed(built, tmp_path, sql)) as reader:
        offered = {row["choice"] for row in reader.rows("choices") if row["filter"] == chosen}
        assert offered == {"unknown"}
        every = filters.read("?period=all", reader).selection
        unknown = filters.read(f"?period=all&{chosen}=unknown", reader).selection
        for query in queries:
            assert reader.rows(query, unknown) == reader.rows(query, every) != [], query


def test_best_products_have_their_newest_name_and_earned_something(
    built: Built, tmp_path: Path
) -> None:
    sql = """
        update gold.fact_sales set product_id = 'ABC'[(hash(item_id) % 3 + 1)::int];
        update gold.fact_sales set is_revenue = product_id <> 'C';
        insert into gold.dim_product by name
            select 'A' as product_id, name as product_name, name as product_key,
                '2025-01-01'::timestamp + interval (days) day as valid_from
            from (values ('older', 1), ('newest', 9), ('old', 5)) as versions (name, days);
    """
    with newest(_changed(built, tmp_path, sql)) as reader:
        rows = reader.rows("top_products", filters.read("?period=all", reader).selection)
    assert {row["product_name"] for row in rows} == {"newest", "B"}


def test_days_to_deliver_are_a_mean_over_parcels(built: Built, tmp_path: Path) -> None:
    sql = """
        update gold.delivery_performance set delivered = 1, avg_delivery_days = 2;
        insert into gold.delivery_performance by name select * replace
            (month - interval 1 month as month, 3 as delivered, 4 as avg_delivery_days)
            from gold.delivery_performance;
    """
    with newest(_changed(built, tmp_path, sql)) as reader:
        rows = reader.rows("deliveries_by_carrier", filters.read("?period=30", reader).selection)
    assert {row["avg_delivery_days"] for row in rows} == {3.5}


def test_what_does_not_count_changes_nothing_on_the_pipeline_page(
    built: Built, tmp_path: Path
) -> None:
    sql = """
        update audit.file_ledger set rows_loaded = 7, rows_rejected = 7 where status <> 'loaded';
        insert into audit.expectation_results by name select * replace
            ('earlier' as build_id, if(action = 'warn', 'quarantine', 'warn') as action)
            from audit.expectation_results;
    """
    with newest(current_file(built.settings)) as reader:
        expected = reader.rows("batches"), reader.rows("expectation_trend")
    with newest(_changed(built, tmp_path, sql)) as reader:
        assert (reader.rows("batches"), reader.rows("expectation_trend")) == expected


def test_a_feed_is_late_beyond_its_usual_gap_and_a_day(built: Built, tmp_path: Path) -> None:
    # Batch dates as days before the business clock.
    days = {"in_time": [2, 3, 5], "late": [3, 4, 5], "seldom": [3, 5, 7], "once": [9]}
    values = [f"('{feed}', {day})" for feed, of_feed in days.items() for day in of_feed]
    sql = f"""
        delete from silver.files_that_count;
        insert into silver.files_that_count by name
            select feed, date '2025-01-15' - day as batch_date
            from (values {", ".join(values)}) as came (feed, day);
    """
    with newest(_changed(built, tmp_path, sql)) as reader:
        feeds = pipeline._states(_view(reader))
        *_, late = pipeline._totals(_view(reader), feeds).children
    assert (late.children[-1].children, late.children[-1].className) == ("late", "change bad")
    assert [(row["feed"], row["state"]) for row in feeds] == [
        ("late", "late"),
        ("once", "came once"),
        ("seldom", "on time"),
        ("in_time", "on time"),
    ]


def test_long_lists_of_the_pipeline_page_end(built: Built, tmp_path: Path) -> None:
    sql = """
        create temp table n as select number from range(1, 41) as numbers (number);
        insert into audit.builds by name
            select b.* replace (started_at - interval (number) day as started_at)
            from audit.builds as b, n;
        insert into audit.file_ledger by name
            select f.* replace (batch_date - number::int as batch_date)
            from audit.file_ledger as f, n;
        insert into audit.file_expectations by name
            select e.* replace (file_id + 1000 * number as file_id)
            from audit.file_expectations as e, n;
        insert into silver.files_that_count by name
            select f.* replace
                (file_id + 1000 * number as file_id, batch_date - number::int as batch_date)
            from silver.files_that_count as f, n;
    """
    with newest(_changed(built, tmp_path, sql)) as reader:
        assert len(reader.rows("builds")) == 8
        assert len(reader.rows("batches")) == 14
        assert len({row["batch_date"] for row in reader.rows("expectation_trend")}) == 30


def test_a_month_that_has_begun_without_a_return_is_zero(built: Built) -> None:
    of_month = {0: {"cohort_customers": 4}, 2: {"cohort_customers": 4, "retention_rate": 0.25}}
    as_of = date(2025, 4, 15)
    _, _, *cells = customers._cohort(date(2025, 1, 1), of_month, range(1, 5), as_of, 0.5).children
    assert [cell.children for cell in cells] == ["0.0 %", "25.0 %", "0.0 %", None]


def test_a_series_too_short_to_forecast_says_why(built: Built, tmp_path: Path) -> None:
    def panel(*series: tuple[str, str]) -> str:
        values = ", ".join(f"('{name}', {expected})" for name, expected in series)
        sql = f"""
            insert into gold.sales_forecast by name
                select name as category, 'net_amount' as measure, '2025-01-16' as forecast_date,
                    n as expected, n as lower_80, n as upper_80, n as lower_95, n as upper_95
                from (values {values}) as series (name, n);
            insert into gold.forecast_accuracy by name
                select category, measure, if(expected is null, 'Too few days.', null) as reason
                from gold.sales_forecast;
        """
        with newest(_changed(built, tmp_path, sql)) as reader:
            return str(forecast.panels(_view(reader)))

    some = panel(("Toys", "null"), ("Books", "7.5"))
    assert "Too few days." in some and "Graph" in some
    none = panel(("Toys", "null"))
    assert "Too few days." in none and "Graph" not in none


def test_a_part_named_like_the_others_is_a_part_of_its_own(built: Built, tmp_path: Path) -> None:
    for name in ("other", "all others"):
        file = _changed(
            built,
            tmp_path,
            "update gold.fact_sales set channel = 'shop ' || hash(order_id) % 9;"
            f"insert into gold.fact_sales by name select * replace ('{name}' as channel)"
            " from gold.fact_sales",
        )
        (figure,) = _charts(_sales(file))
        names = [trace["name"] for trace in figure["data"]]
        assert (len(names), names[0], names[-1]) == (6, name, "all others")
        # Half of the revenue is of the part that was added.
        drawn = [sum(trace["y"]) for trace in figure["data"]]
        assert sum(drawn[1:]) == pytest.approx(drawn[0])
        assert len({trace["marker"]["color"] for trace in figure["data"]}) == 6


def test_a_name_in_a_chart_is_text(built: Built, tmp_path: Path) -> None:
    link = 'R&D <a href="https://example.org/">win</a>'
    file = _changed(
        built, tmp_path, f"update gold.fact_sales set channel = '{link}', currency = '<b>'"
    )
    (figure,) = _charts(_sales(file))
    (trace,) = figure["data"]
    assert trace["name"] == 'R&amp;D &lt;a href="https://example.org/"&gt;win&lt;/a&gt;'
    assert figure["layout"]["yaxis"]["title"]["text"] == "&lt;b&gt;"
    row = dict.fromkeys(("expected", "lower_80", "upper_80", "lower_95", "upper_95"), 1)
    rows = [row | {"forecast_date": date(2025, 1, 16)}]
    expected = expected_with_intervals(THEMES["light"], link, rows, "EUR")
    assert expected["data"][-1]["name"] == trace["name"]


def test_a_reader_keeps_its_version_and_the_next_one_sees_the_newer(
    built: Built, tmp_path: Path
) -> None:
    file = tmp_path / "orderhouse.duckdb"
    shutil.copyfile(current_file(built.settings), file)
    with newest(file) as reader:
        _changed(built, tmp_path, "update audit.published set version = 7").replace(file)
        with newest(file) as next_reader:
            assert next_reader.state.version == 7
        assert reader.state.version == 1


def test_without_a_published_file_there_is_no_reader(tmp_path: Path) -> None:
    with newest(tmp_path / "orderhouse.duckdb") as reader:
        assert reader is None


def _changed(built: Built, folder: Path, sql: str) -> Path:
    """A copy of the published file after some SQL."""
    file = folder / "changed.duckdb"
    shutil.copyfile(current_file(built.settings), file)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{file}' as changed; use changed; {sql}")
    return file


def _view(reader: Reader, search: str = "") -> View:
    selection = filters.read(search, reader).selection
    return View(reader, selection, "channel", THEMES["light"], {}, dict)


def _sales(file: Path, search: str = "") -> Sequence[Component]:
    with newest(file) as reader:
        return sales.content(_view(reader, search))


def _charts(page: Sequence[Component]) -> list[Figure]:
    parts = [part for section in page for part in section._traverse()]
    return [part.figure for part in parts if isinstance(part, dcc.Graph)]
