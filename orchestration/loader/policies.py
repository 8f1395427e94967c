"""Policies by which a feed refuses whole files.

Belongs here: the checks on the rows of one staged file. Does not: what other files hold.
"""

import csv
from collections.abc import Callable
from pathlib import Path

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract
from orchestration.loader.refusal import Refused
from orchestration.loader.staged import identifier, shortened
from orchestration.settings import ConfigurationError


def seed_values(project_dir: Path, seed_name: str) -> set[str]:
    """The values of a lookup: first column of the dbt seed, trimmed, lower case.

    Raises ConfigurationError when there is no such seed.
    """
    path = next(project_dir.joinpath("seeds").rglob(f"{seed_name}.csv"), None)
    if path is None:
        raise ConfigurationError(
            f"{project_dir / 'seeds'}: no {seed_name}.csv, which a contract names as a lookup."
        )
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row[0].strip().lower() for row in list(csv.reader(file))[1:] if row}


def check_policies(
    connection: DuckDBPyConnection,
    contract: Contract,
    table: str,
    lookups: Callable[[str], set[str]],
) -> None:
    """Raise Refused `duplicate_keys` or `unknown_status` where the feed's contract asks for it."""
    if contract.duplicate_key_policy == "discard_file":
        _refuse_duplicate_keys(connection, contract, table)
    if contract.unknown_status_policy == "discard_file":
        _refuse_unknown_statuses(connection, contract, table, lookups)


def _refuse_duplicate_keys(connection: DuckDBPyConnection, contract: Contract, table: str) -> None:
    key = ", ".join(f"trim({identifier(name)}, ' ')" for name in contract.key)
    there = " and ".join(f"{identifier(name)} is not null" for name in contract.key)
    found = connection.execute(
        f"select concat_ws(', ', {key}), count(*), min(_row_number), count(*) over ()"
        f" from {identifier(table)} where {there} group by {key}"
        " having count(*) > 1 order by min(_row_number) limit 1"
    ).fetchone()
    if found:
        value, rows, record, keys = found
        raise Refused(
            "duplicate_keys",
            f"{keys} values of {', '.join(contract.key)} stand in more than one record, first "
            f"{shortened(value)!r} in {rows} records from record {record} on; "
            "deliver each key once.",
        )


def _refuse_unknown_statuses(
    connection: DuckDBPyConnection,
    contract: Contract,
    table: str,
    lookups: Callable[[str], set[str]],
) -> None:
    for column in contract.columns:
        if column.lookup is None:
            continue
        known = sorted(lookups(column.lookup))
        # A deletion needs only its key; its other values are not judged.
        found = connection.execute(
            f"select trim({identifier(column.name)}, ' '), count(*), min(_row_number)"
            f" from {identifier(table)}"
            f" where trim({identifier(column.name)}, ' ') <> ''"
            f" and not list_contains(?::varchar[], lower(trim({identifier(column.name)}, ' ')))"
            " and lower(trim(coalesce(_op, ''), ' ')) not in ('d', 'delete')"
            " group by 1 order by 3 limit 1",
            [known],
        ).fetchone()
        if found:
            value, rows, record = found
            raise Refused(
                "unknown_status",
                f"{column.name} {shortened(value)!r} in {rows} records, from record {record} on, "
                f"is not in the lookup {column.lookup} ({shortened(', '.join(known))}).",
            )
