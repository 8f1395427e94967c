"""One delivered file, read by contract, for tests of how a file is read.

Belongs here: writing the file, reading it, asking its temp tables. Does not: assertions.
"""

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from orchestration.contracts import Column, Contract
from orchestration.loader.reading import Reading, read
from orchestration.loader.refusal import Refused
from orchestration.loader.spool import fingerprint, spool

THINGS = Contract(
    feed="things",
    description="",
    columns=(
        Column("thing_id", "text", required=True),
        Column("name", "text", aliases=("label",)),
        Column("amount", "decimal(18,2)"),
        Column("status", "text", lookup="statuses"),
        Column("details", "json"),
    ),
    format="csv",
    key=("thing_id",),
)
HEADER = "thing_id,name,amount,status,details"


class Desk:
    """Reads files of the feed things in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connection = duckdb.connect()
        self.contract = THINGS

    def set(self, **options: Any) -> None:
        self.contract = replace(self.contract, **options)

    def read(self, content: str | bytes, name: str = "things_2025_01_15.csv") -> Reading:
        """Write the file, then read it as the loader does."""
        data = content.encode() if isinstance(content, str) else content
        path = self.folder / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        spool_dir = self.folder / "spool"
        spooled = spool(path, self.contract, fingerprint(path), spool_dir)
        file_format = "csv" if ".csv" in name else "json"
        try:
            return read(
                self.connection,
                self.contract,
                spooled,
                file_format,
                "staged",
                lambda _: {"new", "done"},
            )
        finally:
            spooled.path.unlink()
            assert list(spool_dir.iterdir()) == [], "scratch files were left behind"

    def refusal(self, content: str | bytes, name: str = "things_2025_01_15.csv") -> Refused | None:
        """Why the file is refused; None when it is read."""
        try:
            self.read(content, name)
        except Refused as refused:
            left = self.connection.execute("select table_name from duckdb_tables()").fetchall()
            assert left == [], "tables of a refused file were left behind"
            return refused
        return None

    def rows(self, columns: str = "thing_id, name, amount, status, details") -> list[tuple]:
        return self.connection.execute(
            f"select {columns} from staged order by _row_number"
        ).fetchall()

    def rejected(self) -> list[tuple]:
        return self.connection.execute(
            "select line_number, raw, error from staged_rejected order by 1"
        ).fetchall()
