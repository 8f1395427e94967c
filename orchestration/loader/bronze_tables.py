"""The tables of the schema bronze, made from the contracts.

Belongs here: their definition, and what a changed contract changes of it. Does not: rows of files.
"""

from collections.abc import Mapping

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract
from orchestration.loader.rescued import lift_rescued, two_for_one
from orchestration.people import columns_in_bronze, create_people, mark_personal
from orchestration.transaction import transaction

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
    tables = columns_in_bronze(connection)
    for contract in contracts.values():
        table = f"bronze.{contract.feed}"
        columns = dict.fromkeys(contract.column_names, "varchar") | _LOADER_COLUMNS
        comments = tables.get(contract.feed)
        if comments is None:
            listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
            connection.execute(f"create table {table} ({listed})")
            comments = dict.fromkeys(columns)
        for name in [name for name in comments if name not in columns]:
            if (column := contract.column_for(name)) is not None:
                _rename(connection, contract, name, column, is_there=column in comments)
                comments.setdefault(column, comments.pop(name))
        for name, kind in columns.items():
            if name not in comments:
                connection.execute(f"alter table {table} add column {name} {kind}")
        mark_personal(connection, contract, comments)
    lift_rescued(connection, contracts)
    _note_how_files_were_read(connection, contracts)


def _rename(
    connection: DuckDBPyConnection, contract: Contract, before: str, after: str, *, is_there: bool
) -> None:
    """Give a column the name that its contract has now; when that `is_there`, they become one.

    Raises ConfigurationError when a row has another value under each.
    """
    table = f"bronze.{contract.feed}"
    if not is_there:
        connection.execute(f'alter table {table} rename column "{before}" to "{after}"')
        return
    row = connection.execute(
        f"select _row_number, file_name from {table} inner join bronze.files on _file_id = file_id"
        f' where "{before}" <> "{after}" limit 1'
    ).fetchone()
    if row:
        raise two_for_one(contract, f"record {row[0]} of {row[1]} has {before!r} and {after!r}.")
    with transaction(connection):
        connection.execute(
            f'update {table} set "{after}" = "{before}"'
            f' where "{after}" is null and "{before}" is not null'
        )
        connection.execute(f'alter table {table} drop column "{before}"')


def _note_how_files_were_read(
    connection: DuckDBPyConnection, contracts: Mapping[str, Contract]
) -> None:
    """Of files loaded before the ledger noted it, today's contract is the best that is known."""
    unknown = "rows_loaded is not null and read_as is null"
    for (feed,) in connection.execute(
        f"select distinct feed from bronze.files where {unknown}"
    ).fetchall():
        if feed in contracts:
            connection.execute(
                f"update bronze.files set read_as = ? where feed = ? and {unknown}",
                [contracts[feed].read_as, feed],
            )
