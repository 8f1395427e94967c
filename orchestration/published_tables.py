"""What the published files hold, and the cheapest way to bring a table of theirs up to date.

Belongs here: the tables of both editions, writing them into an attached file. Does not: files and
versions (`publish.py`).

A steward is the person who settles quarantine and answers people who ask what is known of them:
rows held back and refused as they were delivered, and how to reach customers. Everything else that
is personal stays in bronze.
"""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract
from orchestration.people import has_contacts

# Append-only tables, and the column of what was appended together (`appended_by` in their YAML).
_APPENDED = {"audit.expectation_results": "build_id"}


@dataclass(frozen=True)
class Table:
    """One table of a published file.

    `source` is what stands behind `from`; `model` names the model whose log of changed keys tells
    which rows changed, None where there is none or not all changes are in it.
    """

    schema: str
    name: str
    source: str
    model: str | None = None

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def is_stored(self) -> bool:
        """Whether it is a table in the warehouse, not a query over some."""
        return not self.source.startswith("(")


def for_analysts(connection: DuckDBPyConnection) -> list[Table]:
    """Gold, audit and silver without staging: nothing of a person in the clear."""
    return [
        # Attempts count in every build, also of rows that no log names.
        Table(schema, name, _source(schema, name), None if name == "quarantine" else name)
        for schema, name in _relations(connection)
        # Staging has a row for all that ever landed: it is for the pipeline's own people.
        if schema in ("gold", "silver", "audit")
        and not (schema == "silver" and name.startswith("stg_"))
    ]


def _source(schema: str, name: str) -> str:
    if (schema, name) == ("audit", "erasures"):
        # What people wrote is not for everybody.
        return "(select * exclude (why) from audit.erasures)"
    return f'"{schema}"."{name}"'


def for_stewards(connection: DuckDBPyConnection, contracts: Mapping[str, Contract]) -> list[Table]:
    """Contacts as delivered, rows held back and refused as delivered; what stands in no table yet
    is left out."""
    built = {name for schema, name in _relations(connection) if schema == "silver"}
    tables = [
        Table("steward", feed, _contacts(contract), feed)
        for feed, contract in contracts.items()
        if feed in built and has_contacts(contract)
    ]
    if "quarantine" in built:
        held = " union all by name ".join(_held_back(one) for one in contracts.values())
        tables.append(Table("steward", "quarantine", f"({held})"))
    refused = (
        "(select files.feed, files.file_name, files.status as file_status, refused.*"
        " from bronze.rejected_rows as refused inner join bronze.files using (file_id))"
    )
    return [
        *tables,
        Table("steward", "rejected_rows", refused),
        Table("audit", "erasures", "audit.erasures"),
    ]


def _contacts(contract: Contract) -> str:
    # The key is silver's: rows are replaced by it, and it may have been delivered in spaces.
    columns = ", ".join(
        f'{"newest" if name in contract.key else "delivered"}."{name}"'
        for name in contract.column_names
    )
    return (
        f"(select {columns} from silver.{contract.feed} as newest"
        f" inner join bronze.{contract.feed} as delivered using (_file_id, _row_number))"
    )


def _held_back(contract: Contract) -> str:
    members = [*contract.column_names, "_op", "_rescued"]
    listed = ", ".join(f"'{name}', delivered.\"{name}\"" for name in members)
    return (
        f"select held.* replace (json_object({listed})::varchar as original)"
        f" from silver.quarantine as held inner join bronze.{contract.feed} as delivered"
        f" on held.feed = '{contract.feed}' and held.file_id = delivered._file_id"
        " and held.row_number = delivered._row_number"
    )


def write_tables(
    connection: DuckDBPyConnection, database: str, tables: list[Table], *, are_equal: bool
) -> dict[str, int]:
    """Bring an attached database up to `tables`, and drop what else it has; rows per table.

    `database` is its quoted name. Several tables are written at once. `are_equal` says that what it
    has of the warehouse's own tables is up to date; what is published by a query is not among it.
    """
    catalog = database.strip('"')
    wanted = {table.full_name for table in tables}
    schemas = {table.schema for table in tables}
    for (schema,) in connection.execute(
        "select schema_name from duckdb_schemas() where database_name = ? and not internal",
        [catalog],
    ).fetchall():
        if schema not in schemas:
            connection.execute(f'drop schema {database}."{schema}" cascade')
    for schema in schemas:
        connection.execute(f'create schema if not exists {database}."{schema}"')
    before = set()
    for schema, name, kind in connection.execute(
        "select table_schema, table_name, table_type from information_schema.tables"
        " where table_catalog = ?",
        [catalog],
    ).fetchall():
        if f"{schema}.{name}" in wanted and kind == "BASE TABLE":
            before.add(f"{schema}.{name}")
        else:
            kind = "view" if kind == "VIEW" else "table"
            connection.execute(f'drop {kind} {database}."{schema}"."{name}"')

    def write(table: Table) -> tuple[str, int]:
        with connection.cursor() as cursor:
            is_there = table.full_name in before
            if not (is_there and are_equal and table.is_stored):
                _write(cursor, database, table, is_there=is_there)
            (rows,) = cursor.execute(
                f'select count(*) from {database}."{table.schema}"."{table.name}"'
            ).fetchone()
        return table.full_name, rows

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(pool.map(write, tables))


def _relations(connection: DuckDBPyConnection) -> list[tuple[str, str]]:
    """Schema and name of all tables and views of the warehouse."""
    return connection.execute(
        "select table_schema, table_name from information_schema.tables"
        " where table_catalog = current_database() order by all"
    ).fetchall()


def _write(connection: DuckDBPyConnection, database: str, table: Table, *, is_there: bool) -> None:
    """One table: by its log of changed keys, by what was appended, or whole unless it is equal."""
    target = f'{database}."{table.schema}"."{table.name}"'
    if is_there and _columns(connection, table.source) == _columns(connection, target):
        if log := _log_since_published(connection, table.model):
            key, mark = log
            changed = f"({key}) in (select {key} from changes.{table.model} where number > {mark})"
            connection.execute(f"delete from {target} where {changed}")
            if table.is_stored:
                # Only what is wanted is unpacked, at less than half the cost.
                changed = f"rowid in (select rowid from {table.source} where {changed})"
            connection.execute(
                f"insert into {target} by name select * from {table.source} where {changed}"
            )
            return
        if group := _APPENDED.get(table.full_name):
            connection.execute(
                f"insert into {target} by name select * from {table.source}"
                f" where {group} not in (select distinct {group} from {target})"
            )
            if _is_same(connection, table.source, target, "count(*)"):
                return
        if _is_equal(connection, table.source, target):
            return
    connection.execute(f"create or replace table {target} as select * from {table.source}")


def _is_equal(connection: DuckDBPyConnection, source: str, target: str) -> bool:
    """Whether two tables of the same columns hold the same rows, by the sum of hashes of 64 bits.

    It costs a twentieth of writing one; their counts, which differ for most, cost nothing.
    """
    return all(
        _is_same(connection, source, target, content) for content in ("count(*)", "sum(hash(one))")
    )


def _is_same(connection: DuckDBPyConnection, source: str, target: str, content: str) -> bool:
    (is_same,) = connection.execute(
        f"select (select {content} from {source} as one)"
        f" is not distinct from (select {content} from {target} as one)"
    ).fetchone()
    return is_same


def _columns(connection: DuckDBPyConnection, relation: str) -> list[tuple[str, str]]:
    return [
        (name, kind)
        for name, kind, *_ in connection.execute(f"describe select * from {relation}").fetchall()
    ]


def _log_since_published(
    connection: DuckDBPyConnection, model: str | None
) -> tuple[str, int] | None:
    """Key columns of a model's log and the number up to which the last version has it.

    None where there is no such log: the table is small or no incremental model, or was built whole
    since.
    """
    return connection.execute(
        "select max(written.key_columns), max(marks.number)"
        " from changes.written inner join changes.read as marks on written.model = marks.input"
        " where marks.model = 'published' and written.model = ?"
        " having max(marks.number) >= max(written.number) filter (where written.is_whole)"
        " and max(written.key_columns) is not null",
        [model],
    ).fetchone()
