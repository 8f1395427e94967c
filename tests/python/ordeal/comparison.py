"""Two warehouses side by side: which rows one has that the other has not.

Belongs here: what is compared and how. Does not: why two warehouses must agree (`sequence.py`).
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb

# Ids of files follow their arrival, attempts count the builds that judged a row, and a snapshot's
# own columns tell of knowledge time.
_NOT_COMPARED = {"file_id", "_file_id", "delivery_id", "attempts", "dbt_updated_at", "dbt_scd_id"}
_NOT_COMPARED |= {"dbt_valid_from", "dbt_valid_to"}
# One row per entry of the ledger: a file that came twice has two, which nothing else may show.
_NOT_COMPARED_TABLES = {"silver.deliveries"}
_SCHEMAS = ("gold", "silver", "snapshots")
_SHOWN_ROWS = 5


@dataclass(frozen=True)
class Difference:
    """A table that differs: its columns, and rows with how many more of them the left has."""

    table: str
    columns: tuple[str, ...]
    rows: tuple[tuple, ...]

    def __str__(self) -> str:
        lines = [f"{self.table} differs ({', '.join(self.columns)}, surplus of the left):"]
        for row in self.rows:
            named = zip(self.columns, row, strict=False)
            shown = ", ".join(f"{name}={value}" for name, value in named if value is not None)
            lines.append(f"    {row[-1]:+d}  {shown}")
        return "\n".join(lines)


def differences(left: Path, right: Path) -> list[Difference]:
    """Tables of two DuckDB files that differ in columns or rows, at most five rows of each.

    Compared are gold, silver, and the current beliefs of the snapshots, without what holds ids of
    files or counts builds.
    """
    with duckdb.connect() as connection:
        connection.execute(f"attach '{left}' as left_side (read_only)")
        connection.execute(f"attach '{right}' as right_side (read_only)")
        columns = {side: _columns(connection, side) for side in ("left_side", "right_side")}
        found = []
        tables = columns["left_side"].keys() | columns["right_side"].keys()
        for table in sorted(tables - _NOT_COMPARED_TABLES):
            ours, theirs = (columns[side].get(table, ()) for side in columns)
            if ours != theirs:
                found.append(Difference(table, (), ((str(ours), 1), (str(theirs), -1))))
            elif rows := _surplus(connection, table, ours):
                found.append(Difference(table, ours, tuple(rows)))
        return found


def _columns(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, tuple[str, ...]]:
    """Table (with its schema) → its compared columns."""
    tables: dict[str, tuple[str, ...]] = {}
    for schema, table, column in connection.execute(
        "select schema_name, table_name, column_name from duckdb_columns()"
        " where database_name = ? and schema_name in ? order by all",
        [database, list(_SCHEMAS)],
    ).fetchall():
        if column not in _NOT_COMPARED:
            name = f"{schema}.{table}"
            tables[name] = (*tables.get(name, ()), column)
    return tables


def _surplus(
    connection: duckdb.DuckDBPyConnection, table: str, columns: tuple[str, ...]
) -> list[tuple]:
    listed = ", ".join(columns)
    believed = "where dbt_valid_to is null" if table.startswith("snapshots.") else ""
    return connection.execute(
        f"with signed_rows as ("
        f" select {listed}, 1 as surplus from left_side.{table} {believed}"
        f" union all select {listed}, -1 from right_side.{table} {believed})"
        f" select {listed}, sum(surplus)::int as surplus from signed_rows group by {listed}"
        f" having sum(surplus) <> 0 order by all limit {_SHOWN_ROWS}"
    ).fetchall()
