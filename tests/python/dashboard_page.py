"""What stands on a page of the dashboard, read off by a real browser.

Belongs here: figures, tables, bars and charts as the reader sees them, and whether a text says a
value. Does not: what they should be (`dashboard_figures.py`).
"""

import html
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from playwright.sync_api import Page

_READ = """() => {
    const cells = (row) => [...row.children].map((cell) => cell.innerText.trim());
    const shown = {};
    document.querySelectorAll("#page [data-figure]").forEach((one) => {
        shown[one.dataset.figure] = [[one.innerText.trim()]];
    });
    document.querySelectorAll("#page [data-table]").forEach((one) => {
        shown[one.dataset.table] = [...one.rows].map(cells);
    });
    document.querySelectorAll("#page [data-bars]").forEach((one) => {
        shown[one.dataset.bars] = [...one.children].map((bar) => [
            bar.querySelector(".bar-label").innerText.trim(),
            ...bar.querySelector(".bar-value").innerText.split("·").map((text) => text.trim()),
        ]);
    });
    return shown;
}"""
_READ_CHARTS = """() => Object.fromEntries(
    [...document.querySelectorAll("#page .js-plotly-plot")].map((plot) => [
        plot.parentElement.id || plot.id,
        Object.fromEntries(plot.data.map((series) => [
            series.name,
            Object.fromEntries(series.x.map((day, i) => [day, series.y[i]])),
        ])),
    ])
)"""


def shown_figures(page: Page) -> dict[str, list[list[str]]]:
    """Every figure, table and row of bars on the page, as its texts."""
    return page.evaluate(_READ)


def shown_charts(page: Page) -> dict[str, dict[str, dict[str, float]]]:
    """Every chart on the page, as the numbers it draws."""
    return {
        chart: {html.unescape(series): of_series for series, of_series in of_chart.items()}
        for chart, of_chart in page.evaluate(_READ_CHARTS).items()
    }


def says(text: str, value: Any) -> bool:
    """Whether a text on the page is a value, to the digits it shows."""
    if value is None:
        return text == "\N{EN DASH}"
    if isinstance(value, datetime):
        return text == f"{value.day} {value:%b %Y}, {value:%H:%M} UTC"
    if isinstance(value, date):
        return text == f"{value.day} {value:%b %Y}"
    if isinstance(value, str):
        return text.replace("_", " ").lower() == value.replace("_", " ").lower()
    number = text.replace(",", "").replace("\N{MINUS SIGN}", "-")
    factor = 100 if number.endswith(" %") else 1
    number = number.removesuffix(" %")
    if not re.fullmatch(r"-?\d+(\.\d+)?", number):
        return False
    digits = len(number.partition(".")[2])
    half = Decimal("0.5") * Decimal(10) ** -digits
    return abs(Decimal(number) - Decimal(value) * factor) <= half + Decimal("1e-9")
