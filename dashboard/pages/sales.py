"""Sales: the figures of the range against the days before, over time, by channel, by product."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard import wording
from dashboard.charts import Series, stacked_bars
from dashboard.pages import View, forecast
from dashboard.parts import Column, chart, empty, panel, table, text_column, tile, tiles
from dashboard.published import Row, Selection

_TILES = (
    "net_amount",
    "orders",
    "avg_order_value",
    "customers",
    "margin_rate",
    "return_rate",
)
_LESS_IS_BETTER = {"return_rate"}
_NOTHING = "Nothing was sold in this range. Choose more days, or fewer filters."


def content(view: View) -> Sequence[Component]:
    """The page, top down."""
    return [
        _totals(view),
        html.P(_compared_with(view), className="note"),
        _over_time(view),
        _parts(view, "channel"),
        _parts(view, "category"),
        _products(view),
        *forecast.panels(view),
    ]


def _totals(view: View) -> Component:
    reader, before = view.reader, _before(view)
    now = reader.row("sales_totals", view.selection)
    then = reader.row("sales_totals", before) if before else None
    return tiles(*(_tile(view, name, now, then) for name in _TILES))


def _before(view: View) -> Selection | None:
    """The days before if the history covers them: a part would make any growth look big."""
    before, covered_from = view.selection.before(), view.reader.state.covered_from
    return before if before and covered_from and covered_from <= before.from_date else None


def _compared_with(view: View) -> str:
    days, before = view.selection.days, _before(view)
    span = "day" if days == 1 else f"{days} days"
    if before is None:
        return f"The history has too little of the {span} before, to compare with."
    first, last = wording.day(before.from_date), wording.day(before.to_date)
    dates = first if first == last else f"{first} to {last}"
    return f"Change against the {span} before, {dates}."


def _tile(view: View, name: str, now: Row, before: Row | None) -> Component:
    metric = view.reader.metrics[name]
    value = view.reader.value(name, now)
    value_before = view.reader.value(name, before) if before else None
    change = wording.change(value, value_before, metric.unit)
    tone = ""
    if change is not None and value != value_before:
        tone = "good" if (value > value_before) != (name in _LESS_IS_BETTER) else "bad"
    return tile(
        name,
        metric.label,
        wording.figure(value, metric.unit),
        unit=view.reader.state.currency if metric.unit == "amount" else None,
        note=change or "",
        tone=tone,
        explanation=metric.description,
    )


def _over_time(view: View) -> Component:
    reader, selection = view.reader, view.selection
    metric = reader.metrics["net_amount"]
    rows = reader.rows("sales_over_time", selection, split=view.split, grain=selection.grain)
    title = f"{metric.label} per {selection.grain}"
    if not rows:
        return panel(title, empty(_NOTHING), wide=True)
    parts = {row["part_rank"]: row["part"] for row in rows}
    series = [
        Series(
            name=part,
            x=[row["period"] for row in rows if row["part_rank"] == rank],
            y=[row["net_amount"] for row in rows if row["part_rank"] == rank],
            color=rank - 1,
        )
        for rank, part in parts.items()
    ]
    unit = reader.state.currency or "amount"
    figure = stacked_bars(view.theme, series, unit, selection.grain)
    description = f"{title} by {view.split}; the tables below hold the sums."
    return panel(
        title,
        chart("sales_over_time", figure, description),
        note=metric.description,
        wide=True,
    )


def _parts(view: View, part: str) -> Component:
    """A table of channels or categories, each with its share and its change."""
    reader, selection, before = view.reader, view.selection, _before(view)
    query = f"sales_by_{part}"
    rows = reader.rows(query, selection)
    title = f"By {part}"
    if not rows:
        return panel(title, empty(_NOTHING))
    rows_before = reader.rows(query, before) if before else []
    amounts_before = {row["part"]: row["net_amount"] for row in rows_before}
    total = sum(row["net_amount"] for row in rows)
    for row in rows:
        row["share"] = row["net_amount"] / total if total else None
        row["change"] = wording.change(row["net_amount"], amounts_before.get(row["part"]), "amount")
        row["margin_rate"] = reader.value("margin_rate", row)
        if part == "channel":
            row["avg_order_value"] = reader.value("avg_order_value", row)
    columns = [
        text_column(part.capitalize(), "part"),
        Column("Revenue", "net_amount", wording.amount),
        Column("Share", "share", wording.share),
        Column("Change", "change", lambda words: words or wording.NO_VALUE),
        Column("Units", "units", wording.count),
        Column("Margin", "margin_rate", wording.share),
    ]
    if part == "channel":
        columns[4:5] = [
            Column("Orders", "orders", wording.count),
            Column("Per order", "avg_order_value", wording.amount),
        ]
    return panel(title, table(query, f"Revenue by {part}", columns, rows))


def _products(view: View) -> Component:
    rows = view.reader.rows("top_products", view.selection)
    if not rows:
        return panel("Best products", empty(_NOTHING), wide=True)
    columns = [
        text_column("Product", "product_name"),
        text_column("Category", "category"),
        Column("Revenue", "net_amount", wording.amount),
        Column("Units", "units", wording.count),
    ]
    caption = "The ten products with the most revenue"
    return panel("Best products", table("top_products", caption, columns, rows), wide=True)
