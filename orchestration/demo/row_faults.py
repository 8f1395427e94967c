"""Rows with a known defect: at least one for every reason code of the landing contract.

Belongs here: which values are wrong, and which reasons and warnings they must get.
Does not: how rows are copied and labelled (`planting.py`), files (`file_faults.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from orchestration.contracts import Contract
from orchestration.demo.planting import Faults, changed
from orchestration.demo.writing import Planted

_UNREADABLE = {
    "integer": "2.5",
    "boolean": "maybe",
    "date": "2025-02-30",
    "instant": "2025-01-15T25:61:00Z",
}
_UNREADABLE_DECIMAL = "1.234,56"
_DAYS_AHEAD = 30


@dataclass(frozen=True)
class RowFault:
    """Values that replace those of a clean copy, and what must be said of them.

    A text in `changes` may hold {future_day}, {future_instant} (30 days after the batch),
    {registration} (the day before the customer's) and {before_order} (3 days before the order's).
    """

    name: str
    feed: str
    changes: dict[str, object] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def _quarantined(feed: str, reason: str, warnings: tuple[str, ...] = (), **changes) -> RowFault:
    return RowFault(reason, feed, changes, (reason,), warnings)


def _warned(feed: str, warning: str, **changes) -> RowFault:
    return RowFault(warning, feed, changes, (), (warning,))


_PARTICULAR = (
    _warned("customers", "email_missing", email=None),
    _warned("customers", "email_malformed", email="anna.example.com"),
    _warned("customers", "phone_malformed", phone="12345"),
    _warned("customers", "_op_unknown", _op="X"),
    _quarantined("customers", "date_of_birth_in_future", date_of_birth="{future_day}"),
    _warned("addresses", "city_empty", city=None),
    _warned("addresses", "state_empty", state=None),
    _warned("addresses", "postcode_empty", postcode=None),
    _quarantined("products", "price_not_positive", ("cost_above_price",), price=0),
    _quarantined("products", "price_not_positive", ("cost_above_price",), price=-19.99),
    _warned("products", "cost_above_price", cost_price=99999.99),
    _warned("products", "launch_date_in_future", launch_date="{future_day}"),
    _quarantined("orders", "order_status_unknown", order_status="teleported"),
    _quarantined(
        "orders", "total_amount_negative", ("total_amount_unusual",), total_amount="-45.50"
    ),
    _warned("orders", "total_amount_unusual", total_amount="0.50"),
    _warned("orders", "total_amount_unusual", total_amount="25000.00"),
    _warned("orders", "order_before_registration", order_date="{registration} 12:00:00"),
    _warned("orders", "order_date_in_future", order_date="{future_instant}"),
    RowFault(
        "several_reasons",
        "orders",
        {"customer_id": "CUST_X00001", "order_status": "lost", "total_amount": "-1.00"},
        ("customer_unknown", "order_status_unknown", "total_amount_negative"),
        ("total_amount_unusual",),
    ),
    _quarantined("order_items", "quantity_not_positive", quantity=0),
    _quarantined("order_items", "quantity_not_positive", quantity=-2),
    _quarantined("order_items", "unit_price_not_positive", ("price_mismatch",), unit_price="0.00"),
    _quarantined("order_items", "discount_percent_out_of_range", discount_percent="150"),
    _quarantined("order_items", "discount_percent_out_of_range", discount_percent="-5"),
    _warned("order_items", "price_mismatch", unit_price="9999.99"),
    _quarantined("payments", "amount_negative", amount=-12),
    _warned("payments", "currency_unknown", currency="ZZZ"),
    _warned("payments", "risk_score_out_of_range", risk_score=140),
    _warned("payments", "status_unknown", status="teleported"),
    _quarantined("shipments", "shipping_cost_negative", shipping_cost="-4.00"),
    _quarantined("shipments", "package_weight_kg_not_positive", package_weight_kg="0.000"),
    _warned("shipments", "delivered_before_order", actual_delivery="{before_order}"),
    _warned("shipments", "shipping_cost_unusual", shipping_cost="180.00"),
    _warned("inventory", "quantity_on_hand_negative", quantity_on_hand=-7),
    _warned("clickstream", "event_type_unknown", event_type="teleport"),
)
# What a rule looks at beside the changed column: without it the rule cannot say so.
_LOOKED_AT = {
    "customer_unknown": (("customers", "customer_id"),),
    "order_before_registration": (("orders", "customer_id"), ("customers", "registration_date")),
    "cost_above_price": (("products", "price"), ("products", "cost_price")),
    "price_mismatch": (("products", "price"),),
    "delivered_before_order": (("shipments", "order_id"), ("orders", "order_date")),
}


def plant_rows(faults: Faults) -> None:
    """Plant every row fault, once a week but at most four times, spread over the days."""
    every = [fault for feed in faults.contracts.values() for fault in _of_contract(feed)]
    every += [fault for fault in _PARTICULAR if _can_be(faults, fault)]
    for turn in range(max(1, min(4, faults.plan.days // 7))):
        for number, fault in enumerate(every):
            _plant(faults, fault, (number + 3 * turn) % faults.plan.days)
    if faults.delivers("order_items") and faults.delivers("products", "is_active"):
        _plant_inactive_product(faults)
    if faults.delivers("orders", "order_date", "order_status", "updated_at"):
        _plant_versions(faults)
    if faults.delivers("orders") and faults.delivers("order_items", "order_id"):
        if faults.delivers("payments", "order_id"):
            _plant_late_parent(faults)
        if faults.delivers("orders", "order_status"):
            _plant_orphans(faults)


def _can_be(faults: Faults, fault: RowFault) -> bool:
    """Whether the feeds that are delivered have the columns it is about."""
    looked_at = [
        place for word in (*fault.reasons, *fault.warnings) for place in _LOOKED_AT.get(word, ())
    ]
    return faults.delivers(fault.feed, *fault.changes) and all(
        faults.delivers(*place) for place in looked_at
    )


def _of_contract(contract: Contract) -> Iterator[RowFault]:
    """What the contract alone says: missing, unknown, unreadable, in the future."""
    for column in contract.columns:
        if column.references:
            reason = f"{column.references.removesuffix('s')}_unknown"
            yield _quarantined(contract.feed, reason, **{column.name: "NOWHERE_1"})
            yield _quarantined(contract.feed, reason, **{column.name: None})
        elif column.required:
            yield _quarantined(contract.feed, f"{column.name}_missing", **{column.name: None})
        kind = "decimal" if column.type.startswith("decimal") else column.type
        unreadable = _UNREADABLE_DECIMAL if kind == "decimal" else _UNREADABLE.get(kind)
        if unreadable:
            yield _quarantined(contract.feed, f"{column.name}_invalid", **{column.name: unreadable})
    if contract.sequence:
        yield _warned(
            contract.feed,
            f"{contract.sequence}_in_future",
            **{contract.sequence: "{future_instant}"},
        )


def _plant(faults: Faults, fault: RowFault, day: int) -> None:
    planted = faults.copy(fault.feed, day, host=not fault.reasons)
    ahead = faults.plan.day(planted.day) + timedelta(days=_DAYS_AHEAD)
    words = {"future_day": ahead, "future_instant": f"{ahead} 12:00:00"}
    for name, value in fault.changes.items():
        if isinstance(value, str) and "{registration}" in value:
            words["registration"] = _registration(faults, planted) - timedelta(days=1)
        if isinstance(value, str) and "{before_order}" in value:
            words["before_order"] = _order_day(faults, planted) - timedelta(days=3)
        planted.row[name] = faults.text(
            fault.feed, value.format(**words) if isinstance(value, str) else value
        )
    action = "quarantine" if fault.reasons else "warn"
    faults.add(planted, fault.name, action, fault.reasons, fault.warnings)


def _registration(faults: Faults, order: Planted) -> date:
    (day,) = faults.connection.execute(
        "select max(registration_date) from customers where customer_id = ?",
        [order.row["customer_id"]],
    ).fetchone()
    return day


def _order_day(faults: Faults, planted: Planted) -> date:
    hosts = [row for row in faults.rows if row.feed == "orders"]
    host = next(row for row in hosts if row.row["order_id"] == planted.row["order_id"])
    return date.fromisoformat(host.row["order_date"][:10])


def _plant_inactive_product(faults: Faults) -> None:
    """A line of a product that is off sale since the first day, at its catalogue price."""
    product_id, price = faults.connection.execute(
        "select product_id, price::varchar from products"
        " where not is_active and _day = 0 order by rowid limit 1"
    ).fetchone()
    item = faults.copy("order_items", faults.plan.days - 1, host=True)
    item.row.update(product_id=product_id, unit_price=price)
    faults.add(item, "product_inactive", "warn", warnings=("product_inactive",))


def _plant_versions(faults: Faults) -> None:
    """An exact copy in the same file; an older version of an order that comes last."""
    faults.add(faults.clean("orders", 0), "duplicate_row", action="none")
    older = faults.clean(
        "orders",
        0,
        "updated_at > order_date + interval 1 hour",
    )
    row = changed(older.row, "orders", faults, order_status="confirmed")
    row["updated_at"] = faults.connection.execute(
        "select (?::timestamp + interval 1 second)::varchar", [older.row["order_date"]]
    ).fetchone()[0]
    late = replace(older, day=faults.plan.days - 1, after=1, row=row)
    faults.add(late, "older_version", action="none")


def _plant_late_parent(faults: Faults) -> None:
    """A line and a payment that come a day before their order."""
    item = faults.copy("order_items", 0, "_day = 0")
    order = faults.clean("orders", 0, f"order_id = '{item.row['order_id']}'")
    order.row["order_id"] = item.row["order_id"] = faults.new_key("orders")
    payment = faults.copy("payments", 0, "_day = 0")
    payment.row["order_id"] = faults.text("payments", order.row["order_id"])
    faults.add(item, "late_parent", "released", reasons=("order_unknown",))
    faults.add(payment, "late_parent", "released", reasons=("order_unknown",))
    faults.add(replace(order, day=order.day + 1, after=1), "parent_a_day_later", action="none")


def _plant_orphans(faults: Faults) -> None:
    """An order that is held back, and its line, which is unknown with it."""
    item = faults.copy("order_items", faults.plan.days - 1)
    order = faults.clean("orders", faults.plan.days - 1, f"order_id = '{item.row['order_id']}'")
    order.row["order_id"] = item.row["order_id"] = faults.new_key("orders")
    order.row["order_status"] = "awaiting_lookup"
    faults.add(order, "order_status_unknown", "quarantine", reasons=("order_status_unknown",))
    faults.add(item, "parent_in_quarantine", "quarantine", reasons=("order_unknown",))
