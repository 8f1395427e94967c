"""The days ahead, as a panel of the sales page: expected revenue, and how far off it may be."""

from collections.abc import Sequence
from dataclasses import replace

from dash.development.base_component import Component

from dashboard import wording
from dashboard.charts import expected_with_intervals
from dashboard.pages import View
from dashboard.parts import Column, chart, empty, panel, table, text_column
from dashboard.published import Row

_TITLE = "The next 28 days"
_NOTE = (
    "Expected revenue by category, all channels. Off by: mean distance per day on the past;"
    " below 100 % it did better than the last week again."
)


def panels(view: View) -> Sequence[Component]:
    """The panel; nothing for a version that was published before there were forecasts."""
    if not view.reader.has_table("gold", "sales_forecast"):
        return []
    rows = view.reader.rows("forecast_totals", view.selection)
    if not rows:
        sentence = "No forecast was made yet. The night makes one, or now: make forecast"
        return [panel(_TITLE, empty(sentence), note=_NOTE, wide=True)]
    columns = [
        text_column("Category", "category"),
        Column("Revenue", "net_amount", wording.amount),
        Column("Units", "units", wording.count),
        Column("Off by", "mean_absolute_error", wording.amount),
        Column("Of the last week's error", "mase", wording.share),
    ]
    if any(row["reason"] for row in rows):
        columns.append(text_column("Why none", "reason", lambda reason: reason or ""))
    return [
        panel(
            _TITLE,
            _days_of_largest(view, rows),
            table("forecast_totals", "Expected revenue by category", columns, rows),
            note=_NOTE,
            wide=True,
        )
    ]


def _days_of_largest(view: View, rows: Sequence[Row]) -> Component | None:
    """The days of the category with most revenue ahead; none where all series are too short."""
    largest = rows[0]
    if largest["net_amount"] is None:
        return None
    only = replace(view.selection, categories=(largest["category"],))
    days = view.reader.rows("forecast_days", only)
    unit = view.reader.state.currency or "amount"
    figure = expected_with_intervals(view.theme, largest["category"], days, unit)
    described = f"Expected revenue per day of {largest['category']}, with its intervals."
    return chart("forecast_days", figure, described)
