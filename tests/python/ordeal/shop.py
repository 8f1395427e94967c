"""Records of a small shop, drawn so that keys, instants and values often meet.

Belongs here: what a record of a feed may look like, broken ones too. Does not: files and their
order (`streams.py`).
"""

import json
from random import Random
from typing import Any

Row = dict[str, Any]

DAYS = [f"2025-01-{day:02d}" for day in range(1, 8)]
WAREHOUSES = ["W1", "W2"]
KEYS = {
    "customers": [f"C{number}" for number in range(12)],
    "addresses": [f"A{number}" for number in range(10)],
    "products": [f"P{number}" for number in range(8)],
    "orders": [f"O{number}" for number in range(14)],
    "order_items": [f"I{number}" for number in range(24)],
    "payments": [f"T{number}" for number in range(12)],
    "shipments": [f"S{number}" for number in range(8)],
    "clickstream": [f"E{number}" for number in range(20)],
}
# The column in which a delivered record is broken, and what stands there instead.
BROKEN = {
    "customers": [("date_of_birth", "2099-01-01"), ("customer_id", None), ("updated_at", "soon")],
    "addresses": [("customer_id", None), ("address_id", None), ("customer_id", "C99")],
    "products": [("price", "-1"), ("price", "cheap"), ("product_name", None)],
    "orders": [
        ("order_status", "teleported"),
        ("total_amount", "-5"),
        ("order_date", "2025-13-45"),
        ("customer_id", "C99"),
    ],
    "order_items": [
        ("quantity", "0"),
        ("unit_price", "x"),
        ("discount_percent", "200"),
        ("order_id", "O99"),
        ("product_id", "P99"),
    ],
    "payments": [("amount", "-1"), ("amount", None), ("order_id", "O99")],
    "shipments": [("shipping_cost", "-1"), ("package_weight_kg", "0"), ("order_id", "O99")],
    "inventory": [("product_id", "P99"), ("quantity_on_hand", "many"), ("snapshot_date", None)],
    "clickstream": [("event_timestamp", "now"), ("session_id", None)],
}


class Shop:
    """Draws records with the chance it is given."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance

    def record(self, feed: str, key: str | None = None) -> Row:
        """A record of a feed, about the given key or any: an upsert, a deletion, or broken."""
        row: Row = getattr(self, f"_{feed}")(key or self._key(feed))
        if self._chance.random() < 0.08:
            return row | {"_op": "D"}
        if self._chance.random() < 0.10:
            column, value = self._chance.choice(BROKEN[feed])
            return row | {column: value}
        return row

    def changed(self, feed: str, row: Row) -> Row:
        """A record of the same key, with some values drawn anew."""
        key = row.get(next(iter(row)))
        fresh = self.record(feed, key if key in KEYS.get(feed, ()) else None)
        return {
            column: fresh.get(column) if self._chance.random() < 0.3 else value
            for column, value in row.items()
        } | {column: value for column, value in fresh.items() if column not in row}

    def _key(self, feed: str) -> str:
        key = self._chance.choice(KEYS.get(feed, [""]))
        return f" {key} " if self._chance.random() < 0.03 else key

    def _any(self, *values: Any) -> Any:
        return self._chance.choice(values)

    def _maybe(self, value: Any) -> Any:
        """The value, or null now and then."""
        return None if self._chance.random() < 0.08 else value

    def _day(self) -> str:
        return self._chance.choice(DAYS)

    def _instant(self) -> str:
        return f"{self._day()}T{self._any('00', '09', '12', '23')}:{self._any('00', '30')}:00Z"

    def _customers(self, key: str) -> Row:
        return {
            "customer_id": key,
            "first_name": self._any("Ada", "Bob"),
            "last_name": "Example",
            "email": self._maybe(self._any("a@example.com", "b@example.org", "no address")),
            "phone": self._maybe(self._any("+44 20 7946 0018", "12")),
            "date_of_birth": self._maybe(self._any("1990-05-01", "2003-01-05", "1961-12-31")),
            "gender": self._any("f", "M", "divers", "?"),
            "registration_date": self._maybe(self._any("2024-12-20", "2025-01-03", "2020-02-29")),
            "loyalty_tier": self._maybe(self._any("Bronze", "Silver", "Gold")),
            "preferences": self._maybe({"categories": ["Toys"], "communication": [self._any("e")]}),
            "updated_at": self._maybe(self._instant()),
        }

    def _addresses(self, key: str) -> Row:
        return {
            "address_id": key,
            "customer_id": self._chance.choice(KEYS["customers"]),
            "address_line_1": "1 High Street",
            "city": self._maybe(self._any("York", "Leeds")),
            "state": self._maybe("ENG"),
            "postcode": self._any("01234", "YO1"),
            "country": self._any("GB", "DE"),
            "updated_at": self._maybe(self._instant()),
        }

    def _products(self, key: str) -> Row:
        return {
            "product_id": key,
            "product_name": f"Thing {key.strip()}",
            "category": self._maybe(self._any("Toys", "Books")),
            "sub_category": self._any("Small", "Large"),
            "brand": self._any("Acme", "Blue"),
            "supplier_id": "SUP1",
            "price": self._any("9.99", "60", "250.50"),
            "cost_price": self._maybe(self._any("5", "12.345")),
            "currency": "EUR",
            "rating": self._maybe(self._any("4.5", "2")),
            "is_active": self._any("true", "n"),
            "launch_date": self._maybe("2024-01-01"),
            "updated_at": self._maybe(self._instant()),
        }

    def _orders(self, key: str) -> Row:
        return {
            "order_id": key,
            "customer_id": self._chance.choice(KEYS["customers"]),
            "order_date": self._any("2008-07-01", "2031-07-01", *[self._instant()] * 40),
            "order_status": self._any("pending", "Shipped", "delivered", "cancelled", "returned"),
            "total_amount": self._maybe(self._any("10", "99.95", "20000")),
            "discount_amount": self._maybe("1.50"),
            "shipping_amount": self._maybe(self._any("4.90", "0")),
            "currency": self._any("EUR", "eur"),
            "payment_method": self._maybe(self._any("card", "paypal")),
            "channel": self._maybe(self._any("web", "app")),
            "shipping_address_id": self._maybe(self._chance.choice(KEYS["addresses"])),
            "updated_at": self._maybe(self._instant()),
        }

    def _order_items(self, key: str) -> Row:
        return {
            "item_id": key,
            "order_id": self._chance.choice(KEYS["orders"]),
            "product_id": self._chance.choice(KEYS["products"]),
            "quantity": self._any("1", "2", "7"),
            "unit_price": self._any("9.99", "60", "250.50"),
            "discount_percent": self._maybe(self._any("0", "12.5", "33")),
            "item_status": self._maybe("ok"),
            "updated_at": self._maybe(self._instant()),
        }

    def _payments(self, key: str) -> Row:
        return {
            "transaction_id": key,
            "order_id": self._chance.choice(KEYS["orders"]),
            "payment_method": self._maybe(self._any("card", "paypal")),
            "amount": self._any("10", "99.95", "2500"),
            "currency": self._any("EUR", "XTS"),
            "status": self._maybe(self._any("captured", "failed", "refund", "odd")),
            "is_international": self._any("true", "false"),
            "transaction_timestamp": self._instant(),
            "risk_score": self._maybe(self._any("5", "80", "101")),
        }

    def _shipments(self, key: str) -> Row:
        return {
            "shipment_id": key,
            "order_id": self._chance.choice(KEYS["orders"]),
            "carrier": self._any("DHL", "UPS"),
            "service_type": "standard",
            "warehouse_id": self._chance.choice(WAREHOUSES),
            "shipping_cost": self._maybe(self._any("4.90", "120")),
            "package_weight_kg": self._maybe("1.2"),
            "estimated_delivery": self._maybe(self._day()),
            "actual_delivery": self._maybe(self._day()),
            "shipping_status": self._any("in transit", "delivered"),
            "updated_at": self._maybe(self._instant()),
        }

    def _inventory(self, key: str) -> Row:
        del key
        return {
            "product_id": self._chance.choice(KEYS["products"]),
            "warehouse_id": self._chance.choice(WAREHOUSES),
            "snapshot_date": self._any(*DAYS[:3]),
            "quantity_on_hand": self._any("10", "0", "-2", "3"),
            "quantity_reserved": self._maybe(self._any("0", "2")),
            "reorder_point": self._maybe("4"),
            "reorder_quantity": "10",
            "last_restock_date": self._maybe(self._day()),
        }

    def _clickstream(self, key: str) -> Row:
        return {
            "event_id": key,
            "session_id": self._any("X1", "X2", "X3", "X4", "X5"),
            "customer_id": self._maybe(self._chance.choice(KEYS["customers"])),
            "event_type": self._any("view", "search", "product_view", "add_to_cart", "purchase"),
            "event_timestamp": self._instant(),
            "product_id": self._maybe(self._chance.choice(KEYS["products"])),
            "device_type": self._maybe(self._any("phone", "desktop")),
            "geo_location": json.dumps({"city": "York", "country": "GB"}),
        }
