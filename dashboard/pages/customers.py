"""Customers: segments by recency, frequency and money; cohorts; the way to a purchase."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from dash import html
from dash.development.base_component import Component

from dashboard import wording
from dashboard.pages import View
from dashboard.parts import Column, bars, empty, heat_cell, panel, share_bar, table, text_column
from dashboard.published import Row

_STAGES = {
    "sessions": "Visited",
    "product_view_sessions": "Saw a product",
    "cart_sessions": "Filled the cart",
    "checkout_sessions": "Went to checkout",
    "purchase_sessions": "Bought",
}


def content(view: View) -> Sequence[Component]:
    """The page, top down."""
    return [_segments(view), _funnel(view), _cohorts(view)]


def _segments(view: View) -> Component:
    rows = view.reader.rows("rfm_segments")
    as_of = wording.day(view.reader.state.as_of_date)
    title, note = "Segments", f"All customers with revenue orders to {as_of}; no filter applies."
    if not rows:
        return panel(title, empty("No customer has a revenue order yet."), note=note, wide=True)
    customers = sum(row["customers"] for row in rows)
    for row in rows:
        row["share"] = Decimal(row["customers"]) / customers
    columns = [
        text_column("Segment", "rfm_segment"),
        Column("Customers", "customers", wording.count),
        Column("Share", "share", share_bar),
        Column("Revenue", "monetary", wording.amount),
        Column("Days since order", "recency_days", wording.decimal),
        Column("Orders each", "frequency", wording.decimal),
    ]
    return panel(
        title,
        table("rfm_segments", "Customers by RFM segment", columns, rows),
        note=note,
        wide=True,
    )


def _funnel(view: View) -> Component:
    title = "From visit to purchase"
    note = "Sessions that began in the range, and how far they came."
    rows = view.reader.rows("funnel", view.selection)
    if not rows:
        return panel(title, empty("No sessions in this range."), note=note, wide=True)
    (row,) = rows
    conversion = view.reader.value("conversion_rate", row)
    steps = [
        (
            label,
            row[key],
            f"{wording.count(row[key])} · {wording.share(row[key] / row['sessions'])}",
        )
        for key, label in _STAGES.items()
    ]
    return panel(
        title,
        bars("funnel", steps, row["sessions"]),
        html.P(
            [
                "Of all sessions ",
                html.Strong(wording.share(conversion), **{"data-figure": "conversion_rate"}),
                " ended in a purchase.",
            ]
        ),
        note=note,
        wide=True,
    )


def _cohorts(view: View) -> Component:
    title = "Who comes back"
    note = (
        "Customers by the month of their first revenue order, and the share of them that ordered"
        " again in the months after; the last 12 cohorts, no filter applies."
    )
    rows = view.reader.rows("cohorts")
    if not rows:
        return panel(title, empty("No revenue orders yet."), note=note, wide=True)
    months = range(1, max(row["months_since_first"] for row in rows) + 1)
    cohorts: dict[date, dict[int, Row]] = {}
    for row in rows:
        cohorts.setdefault(row["cohort_month"], {})[row["months_since_first"]] = row
    newest = view.reader.state.as_of_date
    strongest = max((row["retention_rate"] for row in rows if row["months_since_first"]), default=1)
    body = [
        _cohort(cohort, of_month, months, newest, strongest) for cohort, of_month in cohorts.items()
    ]
    caption = "Retention by cohort"
    head = [
        html.Th("First order", scope="col"),
        html.Th("Customers", scope="col", className="number"),
    ]
    head += [html.Th(f"+{month}", scope="col", className="number") for month in months]
    grid = html.Table(
        [
            html.Caption(caption, className="unseen"),
            html.Thead(html.Tr(head)),
            html.Tbody(body, **{"data-table": "cohorts"}),
        ],
        className="cohorts",
    )
    region = {"aria-label": caption}
    return panel(
        title,
        html.Div(grid, className="scrolls", tabIndex=0, role="region", **region),
        None if months else empty("So far all are in their first month."),
        note=note,
        wide=True,
    )


def _cohort(
    cohort: date, of_month: dict[int, Row], months: range, newest: date, strongest: float
) -> Component:
    """A cohort's row; a month in which nobody came back is 0, one that has not begun is empty."""
    size = of_month[0]["cohort_customers"]
    cells = [
        html.Th(wording.month(cohort), scope="row"),
        html.Td(wording.count(size), className="number"),
    ]
    for month in months:
        has_begun = (newest.year - cohort.year) * 12 + newest.month - cohort.month >= month
        returned = of_month[month]["retention_rate"] if month in of_month else 0.0
        is_known = has_begun or month in of_month
        cells.append(heat_cell(returned if is_known else None, strongest))
    return html.Tr(cells)
