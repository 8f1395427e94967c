"""What the dashboard is made of, without a browser: colours, words, filters, the newest version."""

import itertools
import math
import operator
import shutil
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from conftest import Built
from dash import dcc
from dash.development.base_component import Component

from dashboard import filters, wording
from dashboard.charts import THEMES, Figure, expected_with_intervals
from dashboard.pages import View, sales
from dashboard.published import Selection, newest
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
        (wording.seconds(180), "3 min"),
        (wording.seconds(None), wording.NO_VALUE),
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
    assert Selection(date(2025, 1, 1), date(2025, 12, 31)).grain == "week"
    assert Selection(date(2023, 1, 1), date(2025, 12, 31)).grain == "month"


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
    assert "Change against the 1 days before" in str(_sales(file, "?from=2025-01-15"))
    assert "too little of the 30 days before" in str(_sales(file, "?period=30"))


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


def test_a_first_order_in_the_future_hides_no_cohort(built: Built, tmp_path: Path) -> None:
    future = (
        "insert into gold.cohort_retention by name select * replace"
        " (date '2205-01-01' as cohort_month) from gold.cohort_retention limit 1"
    )
    with newest(current_file(built.settings)) as reader:
        cohorts = reader.rows("cohorts")
    with newest(_changed(built, tmp_path, future)) as reader:
        assert cohorts == reader.rows("cohorts") != []


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


def _sales(file: Path, search: str = "") -> Sequence[Component]:
    with newest(file) as reader:
        selection = filters.read(search, reader).selection
        return sales.content(View(reader, selection, "channel", THEMES["light"], {}, dict))


def _charts(page: Sequence[Component]) -> list[Figure]:
    parts = [part for section in page for part in section._traverse()]
    return [part.figure for part in parts if isinstance(part, dcc.Graph)]
