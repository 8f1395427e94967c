"""Columns that a contract has learned of: filled from what files delivered before it knew them.

Belongs here: moving values from `_rescued` into columns, in bronze and in the ledger. Does not:
reading files, renaming columns (`bronze_tables.py`).
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract
from orchestration.loader.json_columns import extract_columns
from orchestration.loader.refusal import Refused
from orchestration.settings import ConfigurationError
from orchestration.transaction import transaction

_RESCUED, _LIFTED = "rescued_rows", "lifted_rows"


def lift_rescued(connection: DuckDBPyConnection, contracts: Mapping[str, Contract]) -> None:
    """Give loaded rows the values of names that were unknown when they came and no longer are.

    Bronze and ledger are then as if the files had been loaded by the contracts of today. Raises
    ConfigurationError when one takes two values of a row for one column's.
    """
    drifts: dict[str, dict[int, dict[str, list[str]]]] = defaultdict(dict)
    for feed, file_id, text in connection.execute(
        "select feed, file_id, drift from bronze.files"
        " where drift is not null and rows_loaded is not null"
    ).fetchall():
        drift = json.loads(text)
        if feed in contracts and any(map(contracts[feed].column_for, drift["extra"])):
            drifts[feed][file_id] = drift
    for feed, files in drifts.items():
        try:
            with transaction(connection):
                _lift(connection, contracts[feed], files)
        except Refused as refusal:
            raise two_for_one(contracts[feed], refusal.message) from None


def _lift(
    connection: DuckDBPyConnection, contract: Contract, files: Mapping[int, dict[str, list[str]]]
) -> None:
    """Rows and ledger; `files`: file_id → the drift that is on record. Raises Refused."""
    names = {contract.column_for(name) for drift in files.values() for name in drift["extra"]}
    _lift_rows(connection, contract, names - {None}, list(files))
    for file_id, drift in files.items():
        known = {contract.column_for(name) for name in drift["extra"]}
        left = {
            "extra": [name for name in drift["extra"] if not contract.column_for(name)],
            "missing": [name for name in drift["missing"] if name not in known],
        }
        connection.execute(
            "update bronze.files set drift = ? where file_id = ?",
            [json.dumps(left) if any(left.values()) else None, file_id],
        )


def two_for_one(contract: Contract, which: str) -> ConfigurationError:
    """What to say of a contract that takes two values of one row for one column's."""
    return ConfigurationError(
        f"feed {contract.feed!r}: by its contract two columns that were delivered side by side are"
        f" one: {which} Take one of their names out of the aliases."
    )


def _lift_rows(
    connection: DuckDBPyConnection, contract: Contract, names: set[str], file_ids: list[int]
) -> None:
    table = f"bronze.{contract.feed}"
    connection.execute(
        f"create temp table {_RESCUED} as"
        f" select rowid as n, _rescued as raw, true as is_suspect from {table}"
        " where _rescued is not null and _file_id in (select unnest(?))",
        [file_ids],
    )
    columns = tuple(
        replace(column, required=False) for column in contract.columns if column.name in names
    )
    extract_columns(connection, replace(contract, columns=columns), _RESCUED, _LIFTED)
    for name in sorted(names):
        row = connection.execute(
            f"select rows._row_number, file_name from {table} as rows"
            f" inner join {_LIFTED} as lifted on rows.rowid = lifted._row_number"
            " inner join bronze.files as files on rows._file_id = files.file_id"
            f' where rows."{name}" is not null and lifted."{name}" is not null limit 1'
        ).fetchone()
        if row:
            raise Refused("duplicate_columns", f"record {row[0]} of {row[1]} has two {name!r}.")
    lifted = ", ".join(f'"{name}" = coalesce(rows."{name}", lifted."{name}")' for name in names)
    # Names without a value, as of a CSV file's empty fields, are nothing to keep.
    left = "case when json_merge_patch('{}', lifted._rescued) <> '{}' then lifted._rescued end"
    connection.execute(
        f"update {table} as rows set {lifted}, _rescued = {left}"
        f" from {_LIFTED} as lifted where rows.rowid = lifted._row_number"
    )
    for scratch in (_RESCUED, _LIFTED):
        connection.execute(f"drop table {scratch}")
