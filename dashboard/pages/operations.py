"""Operations: parcels, stock that needs reordering, payments that look wrong."""

from collections.abc import Sequence

from dash.development.base_component import Component

from dashboard import wording
from dashboard.charts import Series, stacked_bars
from dashboard.pages import View
from dashboard.parts import (
    Column,
    badge,
    bars,
    chart,
    empty,
    panel,
    table,
    text_column,
    tile,
    tiles,
)

_DELIVERIES = {
    "on_time": "On time",
    "slightly_delayed": "1 day late",
    "delayed": "Later",
    "undelivered": "Not arrived",
}
_TONES = {
    "CRITICAL": "bad",
    "HIGH": "bad",
    "MEDIUM": "warn",
    "Out of Stock": "bad",
    "Reorder Required": "warn",
}


def content(view: View) -> Sequence[Component]:
    """The page, top down."""
    return [*_deliveries(view), *_stock(view), *_payments(view)]


def _deliveries(view: View) -> Sequence[Component]:
    note = "Parcels of orders placed in the months of the range, all channels and categories."
    months = view.reader.rows("deliveries_by_month", view.selection)
    carriers = view.reader.rows("deliveries_by_carrier", view.selection)
    if not carriers:
        return [panel("Deliveries", empty("No parcels in these months."), note=note, wide=True)]
    series = [
        Series(label, [row["month"] for row in months], [row[key] for row in months], color)
        for color, (key, label) in zip((0, 3, 1, 5), _DELIVERIES.items(), strict=True)
    ]
    figure = stacked_bars(view.theme, series, "parcels", "month")
    columns = [
        text_column("Carrier", "carrier"),
        Column("Parcels", "shipments", wording.count),
        Column("Arrived", "delivered", wording.count),
        Column("On time", "on_time_rate", wording.share),
        Column("Days", "avg_delivery_days", wording.decimal),
        Column("Overdue", "overdue", wording.count),
        Column("Cost", "shipping_cost", wording.amount),
    ]
    return [
        panel(
            "Deliveries",
            chart("deliveries", figure, "Parcels per month by how late they were."),
            note=note,
        ),
        panel(
            "Carriers",
            table("carriers", "Deliveries by carrier", columns, carriers),
            note="On time: of those that arrived. Overdue: promised before today, not arrived.",
        ),
    ]


def _stock(view: View) -> Sequence[Component]:
    status = view.reader.rows("stock_status", view.selection)
    title = "Stock to reorder"
    if not status:
        return [panel(title, empty("No stock was counted yet."), wide=True)]
    counted = max(row["last_counted_date"] for row in status)
    note = f"Products by the newest count, {wording.day(counted)}; no day or channel applies."
    rows = view.reader.rows("stock_to_reorder", view.selection)
    for row in rows:
        row["warehouses"] = f"{row['warehouses_to_reorder']} of {row['warehouse_count']}"
    columns = [
        text_column("Product", "product_name"),
        text_column("Category", "category"),
        text_column("Status", "health_status", _badge),
        Column("Available", "quantity_available", wording.count),
        Column("Sold in 30 days", "units_sold_30d", wording.count),
        Column("Lasts days", "days_of_cover", wording.decimal),
        Column("Warehouses", "warehouses"),
    ]
    lengths = [
        (row["health_status"], row["products"], wording.count(row["products"])) for row in status
    ]
    largest = max(row["products"] for row in status)
    return [
        panel(
            title,
            bars("stock_status", lengths, largest),
            table("stock_to_reorder", "What runs out first", columns, rows)
            if rows
            else empty("Nothing needs reordering."),
            note=note,
            wide=True,
        )
    ]


def _payments(view: View) -> Sequence[Component]:
    levels = view.reader.rows("payment_risk_levels", view.selection)
    title, note = "Payment risk", "Payments made in the range; follows the channel."
    if not levels:
        return [panel(title, empty("No payments in this range."), note=note, wide=True)]
    currency = view.reader.state.currency or ""
    figures = [
        tile(
            f"payments_{row['risk_level']}",
            row["risk_level"].capitalize(),
            wording.count(row["payments"]),
            note=f"{wording.amount(row['amount'])} {currency}".strip(),
        )
        for row in levels
    ]
    rows = view.reader.rows("riskiest_payments", view.selection)
    columns = [
        text_column("Payment", "transaction_id"),
        text_column("When", "transaction_at", wording.instant),
        text_column("Method", "payment_method", wording.plain),
        Column("Amount", "amount", wording.amount),
        text_column("Risk", "risk_level", _badge),
        Column("Score", "combined_score", wording.count),
        text_column("Why", "reasons", wording.plain),
    ]
    return [
        panel(
            title,
            tiles(*figures),
            table("riskiest_payments", "Payments to look at first", columns, rows)
            if rows
            else empty("No payment of high risk."),
            note=note,
            wide=True,
        )
    ]


def _badge(words: str) -> Component:
    return badge(words.capitalize(), _TONES.get(words, ""))
