"""The tables of the schema bronze, made from the contracts.

Belongs here: their definition, and what a changed contract changes of it. Does not: rows of files.
"""

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract
from orchestration.loader.rescued import lift_rescued
from orchestration.people import (
    columns_in_bronze,
    create_people,
    former_columns,
    mark_personal,
)

_LEDGER = """
create schema if not exists bronze;
create sequence if not exists bronze.file_ids;
create table if not exists bronze.files (
    file_id bigint, file_name varchar, feed varchar, batch_id varchar, batch_date date,
    sha256 varchar, size_bytes bigint, status varchar, reason varchar,
    rows_read bigint, rows_loaded bigint, rows_rejected bigint,
    duplicate_of bigint, superseded_by bigint, drift varchar, loaded_at timestamp,
    reprocessed varchar, read_as varchar
);
alter table bronze.files add column if not exists reprocessed varchar;
alter table bronze.files add column if not exists read_as varchar;
create table if not exists bronze.rejected_rows (
    file_id bigint, line_number bigint, raw varchar, error varchar
);
create table if not exists bronze.batches (
    batch_id varchar, batch_date date, trigger_file varchar, trigger_id varchar,
    status varchar, reason varchar, trigger_json varchar, sha256 varchar,
    first_seen_at timestamp, updated_at timestamp
);
create table if not exists bronze.releases (
    batch_id varchar, trigger_sha256 varchar, why varchar, released_at timestamp, used_at timestamp
);
create table if not exists bronze.passed_files (
    file_id bigint, passed_at timestamp, why varchar
);
create table if not exists bronze.breakers (
    file_id bigint, measure varchar, measured_value double, median_value double, mad double,
    lowest double, highest double, earlier_dates bigint, opened_at timestamp, rests_on varchar
);
"""
_LOADER_COLUMNS = {
    "_rescued": "varchar",
    "_op": "varchar",
    "_file_id": "bigint",
    "_row_number": "bigint",
    "_batch_date": "date",
}


def create_bronze(connection: DuckDBPyConnection, contracts: dict[str, Contract]) -> None:
    """Make what is missing of schema, ledger and feed tables, and follow contracts that changed.

    A new column is added to a table, with what files delivered under its names before; one that
    was renamed, its old name now an alias, keeps its rows. A column that left the contract stays:
    bronze is append-only.
    """
    connection.execute(_LEDGER)
    create_people(connection)
    for contract in contracts.values():
        columns = dict.fromkeys(contract.column_names, "varchar") | _LOADER_COLUMNS
        connection.execute(
            f"create table if not exists bronze.{contract.feed} ("
            + ", ".join(f"{name} {kind}" for name, kind in columns.items())
            + ")"
        )
        for name in former_columns(connection, contract):
            if (column := contract.column_for(name)) is not None:
                _rename(connection, contract.feed, name, column)
        existing = columns_in_bronze(connection, contract.feed)
        for name, kind in columns.items():
            if name not in existing:
                connection.execute(f"alter table bronze.{contract.feed} add column {name} {kind}")
        lift_rescued(connection, contract)
        mark_personal(connection, contract)
        # Of files loaded before it was noted, today's contract is the best that is known.
        connection.execute(
            "update bronze.files set read_as = ?"
            " where feed = ? and rows_loaded is not null and read_as is null",
            [contract.read_as, contract.feed],
        )


def _rename(connection: DuckDBPyConnection, feed: str, before: str, after: str) -> None:
    """Give a column the name that its contract has now; rows of both names become one column's."""
    table = f"bronze.{feed}"
    if after not in columns_in_bronze(connection, feed):
        connection.execute(f'alter table {table} rename column "{before}" to "{after}"')
        return
    with connection.cursor() as cursor:
        cursor.execute("begin transaction")
        cursor.execute(
            f'update {table} set "{after}" = "{before}"'
            f' where "{after}" is null and "{before}" is not null'
        )
        cursor.execute(f'alter table {table} drop column "{before}"')
        cursor.execute("commit")
