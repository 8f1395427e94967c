"""Files of a landing folder: one batch per day, and the trigger that announces it.

Belongs here: tables to files, figures of files, putting files in place.
Does not: what stands in them.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
_AMOUNT_TYPE = "decimal(18,2)"

Row = dict[str, str | None]
"""One record, column → its text in the file: of a CSV field, of a JSON value."""


@dataclass(frozen=True)
class Planted:
    """A row that stands in a daily file beside the clean ones: after row number `after` of them.

    Several rows after one clean row stand in the order of their lists.
    """

    feed: str
    day: int
    after: int
    row: Row


@dataclass(frozen=True)
class ExtraFile:
    """A file beside the daily ones. `announce` is what the day's trigger says of it:
    nothing (None), its name only ("name"), or its figures too ("figures")."""

    name: str
    content: bytes
    day: int
    announce: str | None = None
    rows: int = 0


@dataclass(frozen=True)
class Written:
    """A daily file: its trigger entry, the records and bytes in it."""

    entry: dict
    rows: int
    size: int


def columns_of(connection: DuckDBPyConnection, contract: Contract) -> list[str]:
    """Columns a feed delivers: those of its contract, then `_op` where the table has one."""
    has_op = "_op" in columns_of_table(connection, contract.feed)
    return [*contract.column_names, *(["_op"] if has_op else [])]


def columns_of_table(connection: DuckDBPyConnection, table: str) -> set[str]:
    """Names of a table's columns."""
    found = connection.execute(
        "select column_name from duckdb_columns() where table_name = ?", [table]
    ).fetchall()
    return {name for (name,) in found}


def file_name(contract: Contract, day: str, note: str = "", suffix: str = "") -> str:
    """`<feed>_<YYYY_MM_DD>[_note].<extension>`; `suffix` instead of the feed's own extension."""
    return f"{contract.feed}_{day}{note}.{suffix or contract.format}"


def as_text(value: object, format: str) -> str | None:
    """`value` as it stands in a file of `format`."""
    if format == "csv":
        return None if value is None else str(value)
    return "null" if value is None else json.dumps(value)


def amounts(contract: Contract) -> list[str]:
    """Columns a trigger gives totals of."""
    return [column.name for column in contract.columns if column.type == _AMOUNT_TYPE]


def total(values: Iterable[str | None]) -> Decimal:
    """Decimal sum of the texts that read as numbers."""
    texts = ((value or "").strip().strip('"') for value in values)
    return sum((Decimal(text) for text in texts if _NUMBER.match(text)), Decimal("0.00"))


def write_daily_file(
    connection: DuckDBPyConnection,
    contract: Contract,
    day: int,
    planted: list[Planted],
    path: Path,
) -> Written | None:
    """Write the feed's rows of `day` to `path`; None, and no file, when there are none.

    A file without a record would be the same bytes every day, which is a duplicate, not news.
    """
    sums = ", ".join(f"sum({name})" for name in amounts(contract))
    clean, *clean_totals = connection.execute(
        f"select count(*){', ' if sums else ''}{sums} from {contract.feed} where _day = {day}"
    ).fetchone()
    if clean + len(planted) == 0:
        return None
    columns = columns_of(connection, contract)
    if planted:
        query = _with_planted(connection, contract, columns, day, planted)
    else:
        query = f"select {', '.join(columns)} from {contract.feed} where _day = {day}"
    connection.execute(f"copy ({query}) to '{_quoted(path)}' ({_copy_options(contract)})")
    if contract.encoding != Contract.encoding:
        # DuckDB writes UTF-8 and nothing else.
        path.write_bytes(path.read_bytes().decode().encode(contract.encoding, "replace"))

    totals = {
        name: f"{(clean_total or 0) + total(item.row.get(name) for item in planted):f}"
        for name, clean_total in zip(amounts(contract), clean_totals, strict=True)
    }
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Written(
        entry={"rows": clean + len(planted), "sha256": sha256, "totals": totals},
        rows=clean + len(planted),
        size=path.stat().st_size,
    )


def extra_entry(file: ExtraFile) -> str | dict:
    """What a trigger says of an extra file."""
    if file.announce == "name":
        return file.name
    return {
        "name": file.name,
        "rows": file.rows,
        "sha256": hashlib.sha256(file.content).hexdigest(),
    }


def trigger(number: int, batch_date: str, expected: list[str | dict]) -> bytes:
    """The content of a trigger file; `batch_date` as YYYY-MM-DD."""
    document = {
        "trigger_id": f"TRG_{batch_date.replace('-', '')}_{number:03d}",
        "batch_date": batch_date,
        "data_files_ready": True,
        "expected_files": expected,
    }
    return (json.dumps(document, indent=1) + "\n").encode()


@contextmanager
def filling(landing: Path) -> Iterator[Path]:
    """The folder to write into, so that a failure leaves no landing behind where none was.

    That is landing if it is there, else a draft beside it that becomes landing in the end.
    """
    if landing.exists():
        yield landing
        return
    draft = landing.with_name(f".{landing.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
        draft.rename(landing)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def staged(folder: Path, name: str) -> Path:
    """Where a file is written before it gets its name: a name no loader takes."""
    return folder / f".{name}.part"


def put(folder: Path, name: str, content: bytes) -> None:
    """Write `content` to `folder/name`, which then appears whole."""
    staged(folder, name).write_bytes(content)
    staged(folder, name).replace(folder / name)


def _with_planted(
    connection: DuckDBPyConnection,
    contract: Contract,
    columns: list[str],
    day: int,
    planted: list[Planted],
) -> str:
    is_csv = contract.format == "csv"
    text_type = "varchar" if is_csv else "json"
    connection.execute(
        "create or replace temp table planted ("
        + ", ".join(f"{name} {text_type}" for name in columns)
        + ", _after bigint, _turn bigint)"
    )
    null = None if is_csv else "null"
    connection.executemany(
        f"insert into planted values ({', '.join('?' * (len(columns) + 2))})",
        [
            (*(item.row.get(name, null) for name in columns), item.after, turn)
            for turn, item in enumerate(planted, start=1)
        ],
    )
    as_delivered = ", ".join(
        f"{name}::varchar as {name}" if is_csv else f"to_json({name}) as {name}" for name in columns
    )
    # Rows of a day lie together in their table, so row ids count them.
    return f"""
        select {", ".join(columns)} from (
            select {as_delivered},
                rowid - (select min(rowid) from {contract.feed} where _day = {day}) + 1 as _after,
                0 as _turn
            from {contract.feed} where _day = {day}
            union all by name
            select * from planted
        ) order by _after, _turn
    """


def _copy_options(contract: Contract) -> str:
    if contract.format == "csv":
        quote = _quoted(contract.quote)
        return (
            f"format csv, header, delimiter '{_quoted(contract.delimiter)}',"
            f" quote '{quote}', escape '{quote}'"
        )
    return "format json, array true" if contract.format == "json" else "format json"


def _quoted(text: object) -> str:
    return str(text).replace("'", "''")
