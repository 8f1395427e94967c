"""The tables of the schema bronze, made from the contracts.

Belongs here: their definition, nothing that reads or writes rows.
"""

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract
from orchestration.people import create_people

_LEDGER = """
create schema if not exists bronze;
create sequence if not exists bronze.file_ids;
create table if not exists bronze.files (
    file_id bigint, file_name varchar, feed varchar, batch_id varchar, batch_date date,
    sha256 varchar, size_bytes bigint, status varchar, reason varchar,
    rows_read bigint, rows_loaded bigint, rows_rejected bigint,
    duplicate_of bigint, superseded_by bigint, drift varchar, loaded_at timestamp,
    reprocessed varchar
);
alter table bronze.files add column if not exists reprocessed varchar;
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
    """Make what is missing of schema, ledger and feed tables; a new column is added to a table.

    A column that left the contract stays: bronze is append-only.
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
        existing = {
            name
            for (name,) in connection.execute(
                "select column_name from duckdb_columns()"
                " where database_name = current_database()"
                " and schema_name = 'bronze' and table_name = ?",
                [contract.feed],
            ).fetchall()
        }
        for name, kind in columns.items():
            if name not in existing:
                connection.execute(f"alter table bronze.{contract.feed} add column {name} {kind}")
