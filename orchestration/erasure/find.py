"""Finding a person: their rows in bronze, the values that are theirs alone.

Belongs here: questions to the warehouse. Does not: changing anything.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from unicodedata import normalize

import duckdb
from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract
from orchestration.erasure.traces import Traces, phone_digits, sql_of_digits, tells
from orchestration.people import (
    ERASED,
    ever_personal,
    former_columns,
    has_contacts,
    holds_something,
    names_person,
    personal_columns,
    this_person,
    whose,
)
from orchestration.publish import steward_edition
from orchestration.settings import Settings

_DAY = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?")
_DIGITS_OF_DAY = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])([0-2][1-9]|[123]0|31)")


@dataclass(frozen=True)
class Rows:
    """The rows of a feed that are a person's: a temp table.

    It has `_file_id`, `_row_number`, `is_personal` (whether there still is something to blank) and
    `refused`: the personal columns whose own values had the row refused. `count` is how many they
    are, `personal` how many of them still hold something personal.
    """

    feed: str
    table: str
    count: int
    personal: int


def find_rows(
    connection: DuckDBPyConnection, contracts: Mapping[str, Contract], customer_id: str
) -> dict[str, Rows]:
    """Feed → the person's rows, of every file that was ever loaded, counting or not."""
    found = {}
    for feed, contract in contracts.items():
        condition = whose(contracts, feed, this_person(customer_id))
        if condition is None:
            continue
        table, former = f"rows_of_person_{feed}", former_columns(connection, contract)
        refused, joined = "[]::varchar[]", ""
        if is_built(connection, f"silver.stg_{feed}"):
            names = ", ".join(f"'{column.name}'" for column in personal_columns(contract))
            refused = (
                f"list_filter([{names}]::varchar[], lambda name: list_bool_or(list_transform("
                "staged.rejection_reasons, lambda reason: starts_with(reason, name || '_'))))"
            )
            joined = f" left join silver.stg_{feed} as staged using (_file_id, _row_number)"
        connection.execute(
            f"create or replace temp table {table} as"
            f" select theirs.*, {refused} as refused from (select _file_id, _row_number,"
            f" {holds_something(contract, former)} as is_personal from bronze.{feed}"
            f" where {condition})"
            f" as theirs{joined}"
        )
        count, personal = connection.execute(
            f"select count(*), count(*) filter (where is_personal) from {table}"
        ).fetchone()
        found[feed] = Rows(feed, table, count, personal)
    return found


def is_built(connection: DuckDBPyConnection, table: str) -> bool:
    """Whether a table (`schema.name`) stands in the warehouse."""
    return bool(
        connection.execute(
            "from duckdb_tables() where database_name = current_database()"
            " and schema_name || '.' || table_name = ?",
            [table],
        ).fetchone()
    )


def columns_of(connection: DuckDBPyConnection, table: str) -> set[str]:
    """The names of a table's columns (`schema.name`); none where there is no such table."""
    return {
        name
        for (name,) in connection.execute(
            "select column_name from duckdb_columns() where database_name = current_database()"
            " and schema_name || '.' || table_name = ?",
            [table],
        ).fetchall()
    }


def contacts_of(
    connection: DuckDBPyConnection,
    settings: Settings,
    contracts: Mapping[str, Contract],
    rows: Mapping[str, Rows],
    customer_id: str,
) -> set[str]:
    """Every name, address, number and birthday in the person's rows, trimmed.

    After an erasure that was cut off behind the tables of bronze, stewards' versions still have
    the newest ones.
    """
    values = _contacts_published(settings, contracts, customer_id)
    for feed, found in rows.items():
        if has_contacts(contracts[feed]):
            for name in ever_personal(connection, contracts[feed]):
                values |= {
                    value
                    for (value,) in connection.execute(
                        f'select distinct trim("{name}") from bronze.{feed}'
                        f" semi join {found.table} using (_file_id, _row_number)"
                    ).fetchall()
                }
    return values - {ERASED, None, ""}


def traces_of(
    connection: DuckDBPyConnection,
    contracts: Mapping[str, Contract],
    rows: Mapping[str, Rows],
    customer_id: str,
    contacts: set[str],
) -> Traces:
    """The values to look for: those of a person's contacts that nobody else's rows hold.

    Others hold a telling value also as a part of a longer one: an address with `.uk` behind it.
    """
    # A birthday says nothing without a name, and stands in many places as a day.
    values = {value for value in contacts if not _DAY.fullmatch(value)}
    for feed, contract in contracts.items():
        if not has_contacts(contract):
            continue
        others = f" anti join {rows[feed].table} using (_file_id, _row_number)"
        for name in ever_personal(connection, contract) if values else ():
            listed, text = sorted(values), f'nfc_normalize(lower(trim("{name}")))'
            held = (_holds(text, one) for one in listed)
            found = connection.execute(
                f"select {', '.join(f'bool_or({one})' for one in held)} from bronze.{feed}{others}",
                [normalize("NFC", value.lower()) for value in listed],
            ).fetchone()
            values -= {value for value, is_held in zip(listed, found, strict=True) if is_held}
    # Without its prefix a phone number may be an order's number, an amount, a day.
    values -= {
        value
        for value in values
        if (digits := phone_digits(value))
        and not value.startswith(("+", "0", "(0"))
        and (_DIGITS_OF_DAY.fullmatch(digits) or _is_a_number(connection, contracts, digits))
    }
    return Traces.of(customer_id, values)


def _is_a_number(
    connection: DuckDBPyConnection, contracts: Mapping[str, Contract], digits: str
) -> bool:
    """Whether digits stand in a key or in a value that is no text, of any row."""
    return any(
        connection.execute(
            f"from bronze.{contract.feed}"
            f""" where contains({sql_of_digits(f'"{column.name}"')}, ?) limit 1""",
            [digits],
        ).fetchone()
        for contract in contracts.values()
        for column in contract.columns
        if not column.pii
        and (
            column.type not in ("text", "json") or column.references or column.name in contract.key
        )
    )


def _holds(text: str, value: str) -> str:
    """SQL: whether a text holds a value (its parameter), a phone number in any grouping."""
    held = f"contains({text}, ?)" if tells(value) else f"{text} = ?"
    if digits := phone_digits(value):
        held += f" or contains({sql_of_digits(text)}, '{digits}')"
    return held


def _contacts_published(
    settings: Settings, contracts: Mapping[str, Contract], customer_id: str
) -> set:
    edition = steward_edition(settings)
    is_person = this_person(customer_id)
    values: set = set()
    for path in [edition.current, *edition.versions().values()]:
        if not path.exists():
            continue
        with duckdb.connect(path, read_only=True) as published:
            for feed, contract in contracts.items():
                # A version has the columns of its day.
                there = columns_of(published, f"steward.{feed}")
                named = [
                    is_person(f'"{column.name}"')
                    for column in contract.columns
                    if column.name in there and names_person(contracts, column)
                ]
                if has_contacts(contract) and named:
                    personal = {column.name for column in personal_columns(contract)}
                    listed = [
                        f'trim("{name}")'
                        for name in sorted(there)
                        if contract.column_for(name) in personal
                    ]
                    for row in published.execute(
                        f"select {', '.join(listed) or 'null'} from steward.{feed}"
                        f" where {' or '.join(named)}"
                    ).fetchall():
                        values |= set(row)
    return values
