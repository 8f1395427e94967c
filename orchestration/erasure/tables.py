"""A person's rows in the warehouse's tables: blanked, and judged anew by the next build.

Belongs here: one transaction over bronze, silver, snapshots and the texts around them. Does not:
the bytes that stay in the pages of the warehouse's file (`pages.py`), delivered files (`files.py`).
"""

from collections.abc import Mapping

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract
from orchestration.erasure.find import Rows, columns_of
from orchestration.erasure.traces import Traces, core_of, phone_digits, sql_of_digits
from orchestration.people import (
    ERASED,
    blanked,
    former_columns,
    personal_columns,
    touch_rows,
)

# What silver makes of a personal column, by whatever mask (macros/masked_columns.sql): a history
# may still have what another mask, or none, made of it.
_DERIVED = ("{}", "{}_hash", "{}_domain", "has_{}", "{}_masked", "{}_year", "birth_year")
_ALSO_DERIVED = ["version_hash"]


def clear_tables(
    connection: DuckDBPyConnection,
    contracts: Mapping[str, Contract],
    rows: Mapping[str, Rows],
    traces: Traces,
    files_with_traces: list[int],
) -> dict[str, int]:
    """Blank a person everywhere in the warehouse; how many rows were changed, by place.

    Call it inside a transaction. What silver, snapshots and gold made of the rows is blanked where
    it can be and marked as touched: the next build makes it anew. `files_with_traces` are loaded
    files in which telling values stood, in whatever column.
    """
    places = {}
    for feed, found in rows.items():
        if not found.count:
            continue
        if found.personal:
            former = former_columns(connection, contracts[feed])
            connection.execute(
                f"update bronze.{feed} as rows"
                f" set {blanked(contracts[feed], 'found.refused', former)}"
                f" from {found.table} as found where rows._file_id = found._file_id"
                " and rows._row_number = found._row_number and found.is_personal"
            )
        places[f"bronze.{feed}"] = found.personal
        _forget_derived(connection, contracts[feed], found)
        touch_rows(connection, feed, found.table)
    for feed, contract in contracts.items():
        edited = _edit_feed(connection, contract, traces, files_with_traces)
        places[f"bronze.{feed}"] = places.get(f"bronze.{feed}", 0) + edited
    places["bronze.rejected_rows"] = _clear_rejected(connection, traces)
    connection.execute("drop schema if exists test_failures cascade")
    # A value that was delivered in the wrong column is in what the warehouse once believed, too.
    for table in [*_small_tables(connection, contracts), *_snapshots(connection)]:
        if edited := _edit(connection, table, _texts(connection, table), traces):
            places[table] = len(edited)
    return places


def _small_tables(connection: DuckDBPyConnection, contracts: Mapping[str, Contract]) -> list[str]:
    """The tables with texts that people or programs wrote about deliveries."""
    return [
        f"{schema}.{name}"
        for schema, name in connection.execute(
            "select schema_name, table_name from duckdb_tables()"
            " where database_name = current_database()"
            " and schema_name in ('bronze', 'audit', 'seeds') order by all"
        ).fetchall()
        if not (schema == "bronze" and (name in contracts or name == "rejected_rows"))
    ]


def _snapshots(connection: DuckDBPyConnection) -> list[str]:
    return [
        f"snapshots.{name}"
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() where database_name = current_database()"
            " and schema_name = 'snapshots' order by all"
        ).fetchall()
    ]


def _edit_feed(
    connection: DuckDBPyConnection, contract: Contract, traces: Traces, files: list[int]
) -> int:
    """Take telling values out of rows that are not the person's: a search for their address.

    Columns where such values are to be expected are searched in all files.
    """
    table = f"bronze.{contract.feed}"
    likely = [*(column.name for column in personal_columns(contract)), "_rescued"]
    others = [name for name in contract.column_names if name not in likely]
    rows = _edit(connection, table, likely, traces)
    if files:
        rows |= _edit(connection, table, others, traces, f"_file_id in {tuple(files)}")
    if rows:
        listed = f"{table} where rowid in ({', '.join(map(str, sorted(rows)))})"
        touch_rows(connection, contract.feed, listed)
    return len(rows)


def _edit(
    connection: DuckDBPyConnection,
    table: str,
    columns: list[str],
    traces: Traces,
    where: str = "true",
) -> set[int]:
    """Take telling values out of columns of a table; the rowids of the rows that changed."""
    changed: set[int] = set()
    for column in columns if traces.telling else ():
        found = connection.execute(
            f'select rowid, "{column}"::varchar from {table} where {where}'
            f" and ({' or '.join(_contains(column, value) for value in traces.telling)})"
        ).fetchall()
        for row, text in found:
            if (after := traces.edit(text)) != text:
                connection.execute(
                    f'update {table} set "{column}" = ? where rowid = ?', [after, row]
                )
                changed.add(row)
    return changed


def _texts(connection: DuckDBPyConnection, table: str) -> list[str]:
    return [
        name
        for (name,) in connection.execute(
            "select column_name from duckdb_columns() where database_name = current_database()"
            " and schema_name || '.' || table_name = ? and data_type in ('VARCHAR', 'JSON')",
            [table],
        ).fetchall()
    ]


def _contains(column: str, value: str) -> str:
    """Whether a text may hold a value, in whatever spelling."""
    text = f'"{column}"::varchar'
    found = f"contains(lower({text}), '{core_of(value)}')"
    if digits := phone_digits(value):
        # Nobody parts the last two; to take a text apart costs many times as much as to find them.
        found += (
            f" or (contains({text}, '{digits[-2:]}')"
            f" and contains({sql_of_digits(text)}, '{digits}'))"
        )
    return found


def rejected_about(connection: DuckDBPyConnection, traces: Traces) -> dict[int, int]:
    """Refused lines that are about the person: their rowid in bronze.rejected_rows → file_id."""
    cores = [traces.customer_id, *traces.telling, *traces.words]
    found = connection.execute(
        "select rowid, file_id, raw from bronze.rejected_rows where "
        + " or ".join(_contains("raw", core) for core in cores)
    ).fetchall()
    return {row: file_id for row, file_id, raw in found if traces.is_about(raw)}


def _clear_rejected(connection: DuckDBPyConnection, traces: Traces) -> int:
    about = list(rejected_about(connection, traces))
    # An error may quote the beginning of what it is about.
    connection.execute(
        "update bronze.rejected_rows set raw = ?, error = regexp_replace(error, ' but .*', '')"
        " where rowid in (select unnest(?))",
        [ERASED, about],
    )
    return len(about)


def _forget_derived(connection: DuckDBPyConnection, contract: Contract, found: Rows) -> None:
    """Blank what silver and the snapshots made of a feed's personal columns.

    The warnings go too: then every row differs from what the build computes, and whatever reads it
    is computed anew.
    """
    feed = contract.feed
    personal = [column.name for column in personal_columns(contract)]
    derived = [
        name.format(column)
        for column in [*personal, *former_columns(connection, contract)]
        for name in _DERIVED
    ]
    staged = f"silver.stg_{feed}"
    place = "(_file_id, _row_number)"
    if columns_of(connection, staged):
        keys = ", ".join(contract.key)
        theirs = f"{place} in (select {place} from {found.table})"
        connection.execute(
            f"create or replace temp table keys_of_person as select distinct {keys}"
            f" from {staged} where {theirs}"
        )
        _blank(connection, staged, [*derived, *_ALSO_DERIVED, "warnings"], theirs)
        for table in (f"silver.{feed}", f"silver.{feed}_versions", f"snapshots.{feed}_history"):
            _blank(
                connection,
                table,
                [*derived, *_ALSO_DERIVED],
                f"({keys}) in (select ({keys}) from keys_of_person)"
                if len(contract.key) > 1
                else f"{keys} in (select {keys} from keys_of_person)",
            )


def _blank(connection: DuckDBPyConnection, table: str, columns: list[str], where: str) -> None:
    there = [name for name in columns if name in columns_of(connection, table)]
    if there:
        assignments = ", ".join(f'"{name}" = null' for name in dict.fromkeys(there))
        connection.execute(f"update {table} set {assignments} where {where}")
