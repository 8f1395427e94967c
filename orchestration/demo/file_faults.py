"""Lines, files and batches with a known defect, each in a file of its own.

Belongs here: the bytes, and what must become of them.
Does not: faults of rows (`row_faults.py`).
"""

import csv
import gzip
import hashlib
import io
import json
from decimal import Decimal

from orchestration.contracts import Contract
from orchestration.demo.planting import Faults
from orchestration.demo.writing import ExtraFile, Row, file_name, trigger

# What files of a fault are about; without it they would be as any other.
_COLUMNS = {
    "column_missing": ("order_status",),
    "key_missing": ("amount",),
    "column_twice": ("discount_amount", "total_amount"),
    "optional_column_missing": ("tracking_number",),
    "line_break_in_field": ("address_line_1",),
}
# How the files of a fault are written, whatever their contract says.
_FORMATS = {
    "customers": "json",
    "addresses": "csv",
    "products": "json",
    "orders": "csv",
    "payments": "json",
    "shipments": "csv",
    "inventory": "csv",
    "clickstream": "ndjson",
}


def plant_lines(faults: Faults) -> None:
    """Files in which some lines are no records; the others load."""
    day = 1
    if _delivers(faults, "orders"):
        rows = _sample(faults, "orders", day, 5)
        lines = _csv(faults, "orders", rows).decode().splitlines()
        lines[3:3] = ["ORD_F_SHORT,CUST_0000001"]
        lines[5:5] = [lines[1] + ",one,too,many"]
        lines[6:6] = ['ORD_F_OPEN,"a quote that never closes']
        _add_lines(faults, "orders", day, lines, [4, 6, 7], records=8)

    if _delivers(faults, "clickstream"):
        rows = _sample(faults, "clickstream", day, 4)
        lines = _ndjson(rows).decode().splitlines()
        lines[1:1] = ["[1, 2, 3]"]
        lines[3:3] = ['{"event_id": "EVT_F_OPEN", "session_id":']
        _add_lines(faults, "clickstream", day, lines, [2, 4], records=6)

    if _delivers(faults, "payments"):
        rows = _sample(faults, "payments", day, 4)
        lines = ["[", *(_object(row) + "," for row in rows), "42,", '"no payment"', "]"]
        _add_lines(faults, "payments", day, lines, [6, 7], records=6)


def plant_files(faults: Faults) -> None:
    """Files that are refused, that differ and load, that are doubled or corrected."""
    _plant_refused(faults)
    _plant_misnamed(faults)
    _plant_unusual(faults)
    if _delivers(faults, "orders"):
        _plant_doubled(faults)


def plant_batches(faults: Faults) -> None:
    """Batches of their own that are held or wait; their files stay in landing.

    One is ended by a corrected trigger among the redeliveries.
    """
    day = 1
    if _delivers(faults, "addresses"):
        _plant_mismatches(faults, day)
    if _delivers(faults, "orders", "total_amount"):
        rows = _sample(faults, "orders", day, 3)
        total = sum(Decimal(row["total_amount"] or 0) for row in rows) + Decimal("0.01")
        name = _name(faults, "orders", day, "_totals")
        entry = {"name": name, "rows": 3, "totals": {"total_amount": str(total)}}
        file = ExtraFile(name, _csv(faults, "orders", rows), day)
        _add_batch(faults, day, "totals", [entry], "held", "totals_mismatch", file)
    if _delivers(faults, "addresses"):
        name = _name(faults, "addresses", day, "_waiting")
        file = ExtraFile(name, _csv(faults, "addresses", _sample(faults, "addresses", day, 2)), day)
        missing = _name(faults, "addresses", day, "_never_sent")
        _add_batch(faults, day, "waiting", [name, missing], "waiting", None, file)
    unknown = f"{_of_no_feed(faults, 'vouchers')}_{_day(faults, day)}.csv"
    _add_batch(faults, day, "feed", [unknown], "held", "unknown_feed")
    _add_batch(faults, day, "name", ["../orders.csv"], "held", "bad_file_name")


def _plant_mismatches(faults: Faults, day: int) -> None:
    for note, reason in (("rows", "rows_mismatch"), ("sha", "sha256_mismatch")):
        content = _csv(faults, "addresses", _sample(faults, "addresses", day, 3))
        name = _name(faults, "addresses", day, f"_{note}")
        entry = {"name": name, "rows": 3, "sha256": hashlib.sha256(content).hexdigest()}
        wrong = entry | ({"rows": 4} if note == "rows" else {"sha256": "0" * 64})
        _add_batch(faults, day, note, [wrong], "held", reason, ExtraFile(name, content, day))
        if note == "rows":
            _add_redelivery(
                faults, f"trigger_{_day(faults, day)}_{note}.json",
                trigger(2, faults.plan.day(day).isoformat(), [entry]), "corrected_trigger",
            )  # fmt: skip


def _plant_refused(faults: Faults) -> None:
    day = 1
    orders = _csv(faults, "orders", _sample(faults, "orders", day, 4))
    events = _ndjson(_sample(faults, "clickstream", day, 3))
    shipments = _csv(faults, "shipments", _sample(faults, "shipments", day, 2))
    lines = orders.decode().splitlines()
    header = lines[0].split(",")
    narrow = _csv(
        faults, "orders", _sample(faults, "orders", day, 2),
        [name for name in header if name != "order_status"],
    )  # fmt: skip
    payments = _sample(faults, "payments", day, 2)
    for row in payments:
        row.pop("amount", None)
    address = _csv(faults, "addresses", _sample(faults, "addresses", day, 1))
    garbled = [*shipments.decode().splitlines(), *["lost"] * 5]
    for fault, feed, note, content, reason in (
        ("zero_bytes", "payments", "_empty", b"", "empty_file"),
        ("white_space_only", "orders", "_blank", b"\xef\xbb\xbf \n\n", "empty_file"),
        ("cut_row", "orders", "_cut", orders[: -len(lines[-1]) // 2], "truncated"),
        ("cut_event", "clickstream", "_cut", events[:-40], "truncated"),
        ("column_missing", "orders", "_narrow", narrow, "missing_columns"),
        ("key_missing", "payments", "_narrow", _array(payments), "missing_columns"),
        (
            "column_twice",
            "orders",
            "_twice",
            orders.replace(b"discount_amount", b"total_amount", 1),
            "duplicate_columns",
        ),
        (
            "not_utf8",
            "addresses",
            "_latin",
            address.rstrip(b"\n")
            + "\nADDR_X,CUST_X,Hauptstraße 1,Köln,NW,50667,DE,\n".encode("latin-1"),
            "bad_encoding",
        ),
        (
            "broken_array",
            "products",
            "_broken",
            b'[\n{"product_id": "P1", "product_name": "A", "price": 1},\n{"product_id" "P2"}\n]\n',
            "bad_json",
        ),
        ("no_objects", "payments", "_scalars", b'[1, "two", 3]\n', "bad_json"),
        (
            "mostly_garbage",
            "shipments",
            "_garbled",
            ("\n".join(garbled) + "\n").encode(),
            "too_many_rejects",
        ),
    ):
        if not _delivers(faults, feed, *_COLUMNS.get(fault, ())):
            continue
        # A named file that is refused must not hold the batch.
        announce = "name" if fault == "zero_bytes" else None
        file = ExtraFile(_name(faults, feed, day, note), content, day, announce)
        faults.add_file(file, fault, "discarded", reason)
    if _delivers(faults, "orders"):
        broken = gzip.compress(orders, mtime=0)[:-12]
        name = _name(faults, "orders", day, "_broken", "csv.gz")
        faults.add_file(ExtraFile(name, broken, day), "cut_gzip", "discarded", "bad_gzip")


def _plant_misnamed(faults: Faults) -> None:
    day = 1
    orders = _csv(faults, "orders", _sample(faults, "orders", day, 1))
    today = _day(faults, day)
    unknown = f"{_of_no_feed(faults, 'refunds')}_{today}.csv"
    for fault, name, status, reason in (
        ("feed_unknown", unknown, "discarded", "unknown_feed"),
        ("no_date", "orders_latest.csv", "discarded", "no_batch_date"),
        ("no_such_day", "orders_2025_02_30.csv", "discarded", "no_batch_date"),
        ("format_unknown", f"orders_{today}.xlsx", "discarded", "unknown_format"),
        ("far_future", "orders_2925_01_14.csv", "discarded", "batch_date_in_future"),
        ("still_written", f"orders_{today}_late.csv.part", "ignored", None),
    ):
        if fault == "feed_unknown" or _delivers(faults, "orders"):
            faults.add_file(ExtraFile(name, orders, day), fault, status, reason)
    broken = ExtraFile(f"trigger_{today}_bad.json", b'{"trigger_id": "TRG_BAD"}\n', day)
    faults.add_file(broken, "trigger_without_files", "discarded", "bad_trigger")


def _plant_unusual(faults: Faults) -> None:
    """Files that look odd and load whole."""
    day = 1
    columns = _columns(faults, "orders")
    addresses = _sample(faults, "addresses", day, 3)
    for row in addresses[:1]:
        row["address_line_1"] = 'Hinterhaus "Süd", 2. Stock\nHauptstraße 5'
    gifted = [row | {"gift_note": "with love"} for row in _sample(faults, "orders", day, 2)]
    shipment_columns = [name for name in _columns(faults, "shipments") if name != "tracking_number"]
    whole = _csv(faults, "orders", _sample(faults, "orders", day, 2)).removesuffix(b"\n")
    for fault, feed, note, suffix, rows, content in (
        ("reordered", "orders", "_reordered", "", 3,
         _csv(faults, "orders", _sample(faults, "orders", day, 3), columns[::-1])),
        ("extra_column", "orders", "_gifts", "", 2,
         _csv(faults, "orders", gifted, [*columns, "gift_note"])),
        ("optional_column_missing", "shipments", "_untracked", "", 2,
         _csv(faults, "shipments", _sample(faults, "shipments", day, 2), shipment_columns)),
        ("header_only", "inventory", "_none", "", 0, _csv(faults, "inventory", [])),
        ("empty_array", "customers", "_none", "", 0, b"[]\n"),
        ("byte_order_mark", "orders", "_bom", "", 2,
         b"\xef\xbb\xbf" + _csv(faults, "orders", _sample(faults, "orders", day, 2))),
        ("utf_16", "addresses", "_utf16", "", 2,
         _csv(faults, "addresses", _sample(faults, "addresses", day, 2)).decode().encode("utf-16")),
        ("carriage_returns", "orders", "_crlf", "", 2,
         _csv(faults, "orders", _sample(faults, "orders", day, 2)).replace(b"\n", b"\r\n")),
        ("no_final_newline", "orders", "_open_end", "", 2, whole),
        ("line_break_in_field", "addresses", "_lines_within", "", 3,
         _csv(faults, "addresses", addresses)),
        ("gzip", "clickstream", "_packed", "ndjson.gz", 3,
         gzip.compress(_ndjson(_sample(faults, "clickstream", day, 3)), mtime=0)),
    ):  # fmt: skip
        if not _delivers(faults, feed, *_COLUMNS.get(fault, ())):
            continue
        name = _name(faults, feed, day, note, suffix)
        file = ExtraFile(name, content, day, "figures", rows)
        faults.add_file(file, fault, "loaded", rows_loaded=rows)
    if _delivers(faults, "customers", "preferences"):
        _plant_json_feed_as_csv(faults, day)


def _plant_json_feed_as_csv(faults: Faults, day: int) -> None:
    customers = [
        {name: _csv_text(value) for name, value in row.items() if name != "_op"}
        for row in _sample(faults, "customers", day, 3)
    ]
    customers[1]["preferences"] = "{categories: ["
    name = _name(faults, "customers", day, "_as_csv", "csv")
    content = _csv(faults, "customers", customers)
    faults.add_file(
        ExtraFile(name, content, day, "figures", 3), "json_feed_as_csv", "loaded", rows_loaded=3
    )
    faults.labels.append(
        {"level": "row", "fault": "preferences_invalid", "feed": "customers", "file_name": name,
         "row_number": 2, "business_key": customers[1]["customer_id"], "action": "quarantine",
         "reasons": ["preferences_invalid"], "warnings": []}
    )  # fmt: skip


def _plant_doubled(faults: Faults) -> None:
    """A file again under a second name a day later; a file that is corrected later."""
    content = _csv(faults, "orders", _sample(faults, "orders", 0, 2))
    first = ExtraFile(_name(faults, "orders", 0, "_sent_twice"), content, 0, "figures", 2)
    again = ExtraFile(_name(faults, "orders", 1, "_sent_again"), content, 1)
    faults.add_file(first, "doubled_later", "loaded", rows_loaded=2)
    faults.add_file(again, "same_bytes", "duplicate", duplicate_of=first.name)

    rows = _sample(faults, "orders", 0, 3)
    name = _name(faults, "orders", 0, "_regional")
    faults.add_file(
        ExtraFile(name, _csv(faults, "orders", rows), 0), "wrong_delivery", "loaded",
        rows_loaded=3, after_redelivery="superseded",
    )  # fmt: skip
    rows[0]["total_amount"] = "99.00"
    _add_redelivery(faults, name, _csv(faults, "orders", rows[:2]), "correction", rows_loaded=2)


def _add_redelivery(faults: Faults, name: str, content: bytes, fault: str, **more: object) -> None:
    faults.redeliveries.append(ExtraFile(name, content, 0))
    faults.labels.append(
        {"level": "redelivery", "fault": fault, "file_name": name, "status": "loaded",
         "reason": None, **more}
    )  # fmt: skip


def _add_lines(
    faults: Faults, feed: str, day: int, lines: list[str], rejected: list[int], records: int
) -> None:
    name = _name(faults, feed, day, "_lines")
    content = ("\n".join(lines) + "\n").encode()
    faults.extra_files.append(ExtraFile(name, content, day, "figures", records))
    faults.labels += [
        {"level": "line", "fault": "no_record", "feed": feed, "file_name": name,
         "line_number": number, "raw": lines[number - 1]}
        for number in rejected
    ]  # fmt: skip


def _add_batch(
    faults: Faults,
    day: int,
    note: str,
    expected: list[str | dict],
    status: str,
    reason: str | None,
    file: ExtraFile | None = None,
) -> None:
    name = f"trigger_{_day(faults, day)}_{note}.json"
    content = trigger(2, faults.plan.day(day).isoformat(), expected)
    faults.extra_files.append(ExtraFile(name, content, day))
    if file is not None:
        faults.extra_files.append(file)
    faults.labels.append(
        {"level": "batch", "fault": f"batch_{note}", "file_name": name, "status": status,
         "reason": reason, "stays_in_landing": [file.name] if file else []}
    )  # fmt: skip


def _of_no_feed(faults: Faults, name: str) -> str:
    """`name`, or one like it that no feed has."""
    while name in faults.taken_names:
        name = f"other_{name}"
    return name


def _delivers(faults: Faults, feed: str, *columns: str) -> bool:
    """Whether there is such a feed with these columns, whose files are written as here."""
    if not faults.delivers(feed, *columns):
        return False
    contract = faults.contracts[feed]
    return (contract.format, contract.delimiter, contract.quote, contract.encoding) == (
        _FORMATS[feed],
        Contract.delimiter,
        Contract.quote,
        Contract.encoding,
    )


def _sample(faults: Faults, feed: str, day: int, count: int) -> list[Row]:
    """Copies of clean rows; none of a feed that is not delivered, whose faults are left out."""
    if not _delivers(faults, feed):
        return []
    return [faults.copy(feed, day, host=True).row for _ in range(count)]


def _day(faults: Faults, day: int) -> str:
    return f"{faults.plan.day(day):%Y_%m_%d}"


def _name(faults: Faults, feed: str, day: int, note: str, suffix: str = "") -> str:
    return file_name(faults.contracts[feed], _day(faults, day), note, suffix)


def _columns(faults: Faults, feed: str) -> list[str]:
    return list(faults.contracts[feed].column_names) if _delivers(faults, feed) else []


def _csv(faults: Faults, feed: str, rows: list[Row], columns: list[str] | None = None) -> bytes:
    columns = columns or _columns(faults, feed)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(name) for name in columns] for row in rows)
    return text.getvalue().encode()


def _object(row: Row) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in row.items()) + "}"


def _ndjson(rows: list[Row]) -> bytes:
    return "".join(_object(row) + "\n" for row in rows).encode()


def _array(rows: list[Row]) -> bytes:
    return ("[" + ",\n".join(map(_object, rows)) + "]\n").encode()


def _csv_text(value: str | None) -> str | None:
    """A JSON value as a CSV field: text bare, null empty, nested values as JSON."""
    read = json.loads(value or "null")
    return read if isinstance(read, str) or read is None else value
