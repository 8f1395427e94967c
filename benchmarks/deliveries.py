"""What is loaded in a benchmark: a history, its next day, a correction, a small history.

Belongs here: folders of files, cut out of what the demo generator makes. Does not: loading them.
"""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.contracts import Contract, load_contracts
from orchestration.demo import generate
from orchestration.settings import PROJECT_DIR, Settings

_NAME = re.compile(r"(?P<feed>[a-z_]+)_(?P<day>\d{4}_\d\d_\d\d)\.")
_WITHOUT_ORDERS = ("customers", "addresses", "products")
_CORRECTED_FEED = "order_items"
_ROWS_PER_CORRECTED_ROW = 100
_FEEDS_OF_ORDERS = ("orders", "order_items", "payments", "shipments")
_JSON_TYPES = {"integer": "bigint", "boolean": "boolean", "json": "json"}


@dataclass(frozen=True)
class Deliveries:
    """Folders of files. `correction` holds one file, which bears the name of one of `history`."""

    history: Path
    next_day: Path
    correction: Path
    small_history: Path


def make_deliveries(folder: Path, *, orders: int, days: int, small_orders: int) -> Deliveries:
    """Make everything under `folder`: `days` days with about `orders` orders in all, and one more.

    All of it comes from one shop of `days` + 1 days. Its last day is the next day. The correction
    is the order lines of the middle day with another quantity in every hundredth. The small history
    is what the next day's rows need of the history and little else: all customers, addresses and
    products, all rows of `small_orders` orders (those that the next day's rows name first), and
    that share of stock counts and page views.
    """
    made = Deliveries(*(folder / name for name in ("history", "next_day", "correction", "small")))
    for path in (made.history, made.next_day, made.correction, made.small_history):
        path.mkdir(parents=True)
    generate(made.history, days=days + 1, orders=round(orders * (days + 1) / days))
    batches = sorted({_NAME.match(path.name)["day"] for path in made.history.iterdir()})
    for path in list(made.history.iterdir()):
        if _NAME.match(path.name)["day"] == batches[-1]:
            path.rename(made.next_day / path.name)
    name = f"{_CORRECTED_FEED}_{batches[days // 2]}.csv"
    _correct(made.history / name, made.correction / name)
    _cut_small_history(made, small_orders, min(small_orders / orders, 1.0))
    return made


def files_per_feed(*folders: Path) -> dict[str, list[Path]]:
    """Feed → its data files in `folders`, by name; of two of one name that of the last folder."""
    found = {path.name: path for folder in folders for path in folder.iterdir()}
    feeds: dict[str, list[Path]] = {feed: [] for feed in _contracts()}
    for name, path in sorted(found.items()):
        if (feed := _NAME.match(name)["feed"]) in feeds:
            feeds[feed].append(path)
    return feeds


def link_files(folder: Path, paths: Iterable[Path]) -> None:
    """Put files into `folder` without copying their bytes; who moves them leaves the originals."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        (folder / path.name).hardlink_to(path)


def _contracts() -> dict[str, Contract]:
    return load_contracts(Settings(data_dir=PROJECT_DIR).contracts_file)


def _correct(path: Path, target: Path) -> None:
    with path.open(newline="") as source, target.open("w", newline="") as corrected:
        rows = csv.DictReader(source)
        writer = csv.DictWriter(corrected, rows.fieldnames, lineterminator="\n")
        writer.writeheader()
        for number, row in enumerate(rows):
            if number % _ROWS_PER_CORRECTED_ROW == 0:
                row["quantity"] = str(int(row["quantity"]) + 1)
            writer.writerow(row)


def _cut_small_history(made: Deliveries, orders: int, share: float) -> None:
    contracts, next_day = _contracts(), files_per_feed(made.next_day)
    with duckdb.connect() as connection:
        connection.execute("create table named (order_id varchar)")
        for feed in _FEEDS_OF_ORDERS:
            for path in next_day[feed]:
                rows = _rows(contracts[feed], path)
                connection.execute(f"insert into named select order_id from {rows}")
        connection.execute("create table placed (order_id varchar)")
        history = files_per_feed(made.history)
        for path in history["orders"]:
            rows = _rows(contracts["orders"], path)
            connection.execute(f"insert into placed select order_id from {rows}")
        connection.execute(
            "create table chosen as select order_id, order_id in (from named) as is_named"
            " from (select distinct order_id from placed)"
            " order by is_named desc, md5(order_id) limit ?",
            [orders],
        )
        for feed, paths in history.items():
            if feed in _WITHOUT_ORDERS:
                link_files(made.small_history, paths)
                continue
            for path in paths:
                target = made.small_history / path.name
                if feed in _FEEDS_OF_ORDERS:
                    _copy_chosen(connection, contracts[feed], path, target)
                else:
                    _copy_first_lines(path, target, share)


def _copy_chosen(
    connection: duckdb.DuckDBPyConnection, contract: Contract, path: Path, target: Path
) -> None:
    form = "format json, array true" if contract.format == "json" else "format csv, header"
    rows = f"select * from {_rows(contract, path)} where order_id in (select order_id from chosen)"
    (count,) = connection.execute(f"select count(*) from ({rows})").fetchone()
    # Two files without a record are the same bytes: the second would be a duplicate.
    if count:
        connection.execute(f"copy ({rows}) to '{target}' ({form})")


def _copy_first_lines(path: Path, target: Path, share: float) -> None:
    with path.open("rb") as source:
        lines = source.readlines()
    target.write_bytes(b"".join(lines[: max(2, round(len(lines) * share))]))


def _rows(contract: Contract, path: Path) -> str:
    """A table function over one of the generator's files, with all its columns."""
    if contract.format == "csv":
        with path.open(newline="") as file:
            columns = ", ".join(f"'{name}': 'varchar'" for name in next(csv.reader(file)))
        return (
            f"read_csv('{path}', auto_detect = false, header = true, delim = ',', quote = '\"',"
            f" escape = '\"', columns = {{{columns}}})"
        )
    types = {
        column.name: column.type
        if column.type.startswith("decimal")
        else _JSON_TYPES.get(column.type, "varchar")
        for column in contract.columns
    }
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in types.items())
    return f"read_json('{path}', format = 'array', columns = {{{columns}}})"
