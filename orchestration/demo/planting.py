"""Copying clean rows under new keys, planting them, labelling them.

Belongs here: what every fault needs.
Does not: which row faults there are (`row_faults.py`), which file faults (`file_faults.py`).

A fault never changes a clean row: it stands in a copy under a key of its own, or in a file of its
own. What is accepted with a warning belongs to a copied order, so that sums of clean orders stay.
"""

import json
from collections import Counter
from dataclasses import dataclass, field

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract
from orchestration.demo.chance import Plan
from orchestration.demo.writing import ExtraFile, Planted, Row, as_text, columns_of, file_name
from orchestration.settings import ConfigurationError

# The demo's feeds, and how their keys begin.
KEY_PREFIXES = {
    "customers": "CUST", "addresses": "ADDR", "products": "PROD", "orders": "ORD",
    "order_items": "ITEM", "payments": "TXN", "shipments": "SHIP", "inventory": "WH",
    "clickstream": "EVT",
}  # fmt: skip
# Which clean rows may be copied: first versions, so that a copy is right on its own.
_FIRST_VERSIONS = {
    "customers": "_op = 'I'",
    "products": "is_active and updated_at = created_at",
    "orders": "order_date = updated_at",
    "order_items": "item_status = 'ordered'",
    "payments": "status <> 'refunded'",
}


@dataclass
class Faults:
    """All that is planted, and the means to plant more.

    `contracts` are those of the demo's feeds; `taken_names` all names that some feed has.
    """

    connection: DuckDBPyConnection
    contracts: dict[str, Contract]
    plan: Plan
    taken_names: frozenset[str] = frozenset()
    rows: list[Planted] = field(default_factory=list)
    extra_files: list[ExtraFile] = field(default_factory=list)
    redeliveries: list[ExtraFile] = field(default_factory=list)
    labels: list[dict] = field(default_factory=list)
    _used: Counter = field(default_factory=Counter)
    _pending: list[tuple[Planted, dict]] = field(default_factory=list)

    def delivers(self, feed: str, *columns: str) -> bool:
        """Whether there is such a feed with these columns, so that faults in them say anything."""
        return feed in self.contracts and set(columns) <= set(
            columns_of(self.connection, self.contracts[feed])
        )

    def text(self, feed: str, value: object) -> str | None:
        """`value` as it stands in the feed's files."""
        return as_text(value, self.contracts[feed].format)

    def value(self, feed: str, text: str | None) -> object:
        """What `text` of a file of the feed says."""
        return text if text is None or self.contracts[feed].format == "csv" else json.loads(text)

    def new_key(self, feed: str) -> str:
        self._used[f"{feed} keys"] += 1
        return f"{KEY_PREFIXES[feed]}_F{self._used[f'{feed} keys']:05d}"

    def clean(self, feed: str, day: int, where: str = "true") -> Planted:
        """A clean row of `day`, or of the first later day that has one (then from day 0 on).

        Every call takes another one while there are more. Raises ConfigurationError when no day
        has one.
        """
        table = f"{feed} where _day = {{day}}"
        for candidate in (*range(day, self.plan.days), *range(day)):
            source = table.format(day=candidate)
            (count,) = self.connection.execute(
                f"select count(*) from {source} and ({where})"
            ).fetchone()
            if count:
                break
        else:
            raise ConfigurationError(
                f"This demo is too small for faults: it has no fitting row of feed {feed}. "
                f"Ask for more orders."
            )
        nth = self._used[feed, candidate, where] * 17 % count
        self._used[feed, candidate, where] += 1
        columns = columns_of(self.connection, self.contracts[feed])
        is_csv = self.contracts[feed].format == "csv"
        listed = ", ".join(
            f"{name}::varchar" if is_csv else f"coalesce(to_json({name})::varchar, 'null')"
            for name in columns
        )
        after, *texts = self.connection.execute(
            f"select rowid - (select min(rowid) from {source}) + 1, {listed}"
            f" from {source} and ({where}) order by rowid limit 1 offset {nth}"
        ).fetchone()
        return Planted(feed, candidate, after, dict(zip(columns, texts, strict=True)))

    def copy(self, feed: str, day: int, where: str = "true", host: bool = False) -> Planted:
        """A first version under a key of its own; with `host`, of a copied order if of any."""
        copied = self.clean(feed, day, f"({_FIRST_VERSIONS.get(feed, 'true')}) and ({where})")
        key = "warehouse_id" if feed == "inventory" else self.contracts[feed].key[0]
        copied.row[key] = self.text(feed, self.new_key(feed))
        if feed == "clickstream":
            copied.row["session_id"] = self.text(feed, self.new_key(feed).replace("EVT", "SESS"))
        if host and "order_id" in copied.row and feed != "orders" and self.delivers("orders"):
            order_id = self.value(feed, copied.row["order_id"])
            order = self.host(str(order_id))
            copied.row["order_id"] = self.text(feed, order.row["order_id"])
        return copied

    def host(self, order_id: str) -> Planted:
        """Plant a copy of an order, as it was first delivered, for accepted copies of its rows."""
        (day,) = self.connection.execute(
            "select min(_day) from orders where order_id = ?", [order_id]
        ).fetchone()
        order = self.clean("orders", day, f"order_id = '{order_id}'")
        order.row["order_id"] = self.new_key("orders")
        self.add(order, "host_order", action="none")
        return order

    def add(
        self,
        planted: Planted,
        fault: str,
        action: str,
        reasons: tuple[str, ...] = (),
        warnings: tuple[str, ...] = (),
    ) -> None:
        """Plant a row and label it; a missing part of its key is empty there.

        Actions: quarantine, warn, released (held back until a parent arrives), none (nothing may
        happen).
        """
        contract = self.contracts[planted.feed]
        day = f"{self.plan.day(planted.day):%Y_%m_%d}"
        keys = [self.value(planted.feed, planted.row[name]) for name in contract.key]
        label = {
            "level": "row",
            "fault": fault,
            "feed": planted.feed,
            "file_name": file_name(contract, day),
            "row_number": 0,
            "business_key": "|".join("" if key is None else str(key) for key in keys),
            "action": action,
            "reasons": sorted(reasons),
            "warnings": sorted(warnings),
        }
        self.rows.append(planted)
        self.labels.append(label)
        self._pending.append((planted, label))

    def number_rows(self) -> None:
        """Write into the labels where the planted rows stand: after clean rows, in turn."""
        places: Counter = Counter()
        for planted, label in sorted(self._pending, key=lambda pair: pair[0].after):
            file = (planted.feed, planted.day)
            places[file] += 1
            label["row_number"] = planted.after + places[file]

    def add_file(
        self,
        file: ExtraFile,
        fault: str,
        status: str,
        reason: str | None = None,
        **more: object,
    ) -> None:
        """Plant a file and label what becomes of it."""
        self.extra_files.append(file)
        self.labels.append(
            {"level": "file", "fault": fault, "file_name": file.name, "status": status,
             "reason": reason, **more}
        )  # fmt: skip


def changed(row: Row, feed: str, faults: Faults, **changes: object) -> Row:
    """`row` with other values in some columns."""
    return row | {name: faults.text(feed, value) for name, value in changes.items()}
