"""What the published files hold, and the cheapest way to bring a table of theirs up to date.

Belongs here: the tables of both editions, writing them into an attached file. Does not: files and
versions (`publish.py`).

A steward is the person who settles quarantine and answers people who ask what is known of them:
rows held back and refused as they were delivered, and how to reach customers. Everything else that
is personal stays in bronze.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract
from orchestration.people import has_contacts

# Replacing more of a table row by row costs more than writing it anew.
_LARGEST_SHARE_REPLACED = 0.5


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


def for_analysts(connection: DuckDBPyConnection) -> list[Table]:
    """Gold, audit and silver without staging: nothing of a person in the clear."""
    return [
        # Attempts count in every build, also of rows that no log names.
        Table(schema, name, _source(schema, name), None if name == "quarantine" else name)
        for schema, name in _relations(connection, "current_database()")
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
    built = {
        name for schema, name in _relations(connection, "current_database()") if schema == "silver"
    }
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
    columns = ", ".join(f'delivered."{name}"' for name in contract.column_names)
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
    connection: DuckDBPyConnection, database: str, tables: list[Table]
) -> dict[str, int]:
    """Bring an attached database up to `tables`, and drop what else it has; rows per table."""
    wanted = {table.full_name for table in tables}
    before = {f"{schema}.{name}" for schema, name in _relations(connection, f"'{database}'")}
    for name in before - wanted:
        connection.execute(f"drop table {database}.{name}")
    for table in tables:
        _write(connection, database, table, is_there=table.full_name in before)
    return {
        table.full_name: connection.execute(
            f'select count(*) from {database}."{table.schema}"."{table.name}"'
        ).fetchone()[0]
        for table in tables
    }


def _relations(connection: DuckDBPyConnection, database: str) -> list[tuple[str, str]]:
    """Schema and name of all tables and views of a database (SQL that names it)."""
    return connection.execute(
        "select table_schema, table_name from information_schema.tables"
        f" where table_catalog = {database} order by all"
    ).fetchall()


def _write(connection: DuckDBPyConnection, database: str, table: Table, *, is_there: bool) -> None:
    """One table: by its log of changed keys, by the rows that differ, or whole."""
    target = f'{database}."{table.schema}"."{table.name}"'
    if is_there and _columns(connection, table.source) == _columns(connection, target):
        if log := _log_since_published(connection, table.model):
            key, mark = log
            changed = f"({key}) in (select {key} from changes.{table.model} where number > {mark})"
            connection.execute(f"delete from {target} where {changed}")
            connection.execute(
                f"insert into {target} by name select * from {table.source} where {changed}"
            )
            return
        if _replace_differing(connection, table.source, target):
            return
    connection.execute(f'create schema if not exists {database}."{table.schema}"')
    connection.execute(f"create or replace table {target} as select * from {table.source}")


def _replace_differing(connection: DuckDBPyConnection, source: str, target: str) -> bool:
    """Replace the rows of `target` that differ; False when it had better be written whole.

    Rows are told apart by a hash of 64 bits, at a twentieth of the cost of writing them; the sum of
    all hashes says whether the tables are equal then (rows that stand twice may leave them unlike).
    """
    wanted = _content(connection, source)
    if _content(connection, target) == wanted:
        return True
    kept = connection.execute(
        f"select count(*) from {target} as old"
        f" where hash(old) in (select hash(new) from {source} as new)"
    ).fetchone()[0]
    if kept < (1 - _LARGEST_SHARE_REPLACED) * wanted[0]:
        return False
    connection.execute(
        f"delete from {target} as old"
        f" where hash(old) not in (select hash(new) from {source} as new)"
    )
    connection.execute(
        f"insert into {target} by name select * from {source} as new"
        f" where hash(new) not in (select hash(old) from {target} as old)"
    )
    return _content(connection, target) == wanted


def _content(connection: DuckDBPyConnection, relation: str) -> tuple:
    return connection.execute(
        f"select count(*), sum(hash(content)) from {relation} as content"
    ).fetchone()


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
