"""Whose row it is, who was erased, and which delivered files were rewritten for it.

Belongs here: finding the rows of a person through the contracts, blanking them, the tables that
remember an erasure. Does not: the steps of an erasure (`erasure/`), loading (`loader/`).

A row is a person's when a column of it is, or references, the key of customers; when it references
a row that is theirs (a payment its order); or when it shares a value of a column marked
`same_person` with such a row (an event its session). Of these rows the personal columns are
blanked, and what the contract does not know of them (`_rescued`), or knows no longer.
"""

import hashlib
import hmac
import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from duckdb import DuckDBPyConnection

from orchestration.contracts import LOADER_COLUMNS, Column, Contract
from orchestration.pii_key import KEY_VARIABLE, hmac_pads, read_or_make_key
from orchestration.settings import Settings

PERSON_FEED = "customers"
ERASED = "erased"
# The comment of a personal column in bronze.
_PERSONAL = "personal"
# Only where null would have a row refused: a required personal column keeps a value of its type.
_PLACEHOLDERS = {"text": ERASED, "date": "1900-01-01", "instant": "1900-01-01", "json": "{}"}
_TABLES = """
create schema if not exists audit;
create table if not exists audit.erasures (
    person_hash varchar, why varchar, status varchar, requested_at timestamp,
    completed_at timestamp, places json, build_id varchar, published_version bigint
);
create table if not exists bronze.rewritten_files (
    feed varchar, sha256 varchar, rewritten_sha256 varchar, rewritten_size_bytes bigint,
    is_done boolean
);
"""
# Domain of the hash, so that it is no other keyed hash's of the same text.
_DOMAIN = "erased person:"

# SQL of a column's value → SQL that says whether it names the person, or one of the people, meant.
IsPerson = Callable[[str], str]


def create_people(connection: DuckDBPyConnection) -> None:
    """Make the tables that remember erasures, where they are missing."""
    connection.execute(_TABLES)


def key_of(settings: Settings) -> str:
    """The key of keyed hashes. Raises ConfigurationError when its file cannot be used."""
    return os.environ.get(KEY_VARIABLE) or read_or_make_key(settings.data_dir)


def person_hash(key: str, customer_id: str) -> str:
    """What stands for a person in `audit.erasures`: HMAC-SHA-256, hex."""
    text = (_DOMAIN + customer_id.strip()).encode()
    return hmac.new(key.encode(), text, hashlib.sha256).hexdigest()


def this_person(customer_id: str) -> IsPerson:
    """Names this one person."""
    literal = customer_id.strip().replace("'", "''")
    return lambda column: f"trim({column}) = '{literal}'"


def erased_people(
    connection: DuckDBPyConnection,
    settings: Settings,
    contracts: Mapping[str, Contract],
    *,
    cleared: bool,
) -> IsPerson | None:
    """Names somebody whose erasure began, or whose rows are `cleared`; None when nobody is.

    Keys stay in bronze, so that orders count; which of them are erased, their hashes say.
    """
    people = (
        "audit.erasures where status in ('cleared', 'complete')" if cleared else "audit.erasures"
    )
    if not connection.execute(f"from {people} limit 1").fetchone():
        return None
    columns = [
        (contract.feed, column.name)
        for contract in contracts.values()
        for column in contract.columns
        if names_person(contracts, column)
    ]
    keys = " union ".join(f'select trim("{name}") from bronze.{feed}' for feed, name in columns)
    inner, outer = hmac_pads(key_of(settings))
    connection.execute("set variable erased_inner_pad = ?::blob", [inner])
    connection.execute("set variable erased_outer_pad = ?::blob", [outer])
    erased = connection.execute(
        f"select key from ({keys}) as keys (key) where sha256(getvariable('erased_outer_pad')"
        " || unhex(sha256(getvariable('erased_inner_pad') || encode(? || key))))"
        f" in (select person_hash from {people})",
        [_DOMAIN],
    ).fetchall()
    if not erased:
        return None
    literals = ", ".join("'" + key.replace("'", "''") + "'" for (key,) in erased)
    return lambda column: f"trim({column}) in ({literals})"


def names_person(contracts: Mapping[str, Contract], column: Column) -> bool:
    """Whether a column holds keys of customers."""
    return PERSON_FEED in contracts and (
        column.name == contracts[PERSON_FEED].key[0] or column.references == PERSON_FEED
    )


def personal_columns(contract: Contract) -> tuple[Column, ...]:
    return tuple(column for column in contract.columns if column.pii)


def columns_in_bronze(connection: DuckDBPyConnection) -> dict[str, dict[str, str | None]]:
    """Table of bronze → its columns, in their order → their comments."""
    tables: dict[str, dict[str, str | None]] = defaultdict(dict)
    for table, column, comment in connection.execute(
        "select table_name, column_name, comment from duckdb_columns()"
        " where database_name = current_database() and schema_name = 'bronze' order by column_index"
    ).fetchall():
        tables[table][column] = comment
    return dict(tables)


def mark_personal(
    connection: DuckDBPyConnection, contract: Contract, comments: Mapping[str, str | None]
) -> None:
    """Note at the columns in bronze which are personal, for the day they leave the contract."""
    for column in contract.columns:
        if column.pii != (comments.get(column.name) == _PERSONAL):
            connection.execute(
                f'comment on column bronze.{contract.feed}."{column.name}"'
                f" is {_literal(_PERSONAL if column.pii else None)}"
            )


def former_columns(connection: DuckDBPyConnection, contract: Contract) -> tuple[str, ...]:
    """Columns of a feed's table in bronze that left its contract: what they hold nobody knows."""
    known = {*contract.column_names, *LOADER_COLUMNS}
    columns = columns_in_bronze(connection).get(contract.feed, ())
    return tuple(name for name in columns if name not in known)


def ever_personal(connection: DuckDBPyConnection, contract: Contract) -> tuple[str, ...]:
    """Columns of a feed in bronze that are personal, or were when they left its contract."""
    comments = columns_in_bronze(connection).get(contract.feed, {})
    return tuple(name for name, comment in comments.items() if comment == _PERSONAL)


def has_contacts(contract: Contract) -> bool:
    """Whether the feed says who people are and how to reach them: customers, their addresses.

    What other feeds have of people, such as the address of a payer's machine, is as personal, but
    says nothing without its row.
    """
    return bool(personal_columns(contract)) and (
        contract.feed == PERSON_FEED
        or any(column.references == PERSON_FEED for column in contract.columns)
    )


def placeholder(column: Column, *, had_row_refused: bool = False) -> str | None:
    """What stands for an erased value: null, where that does not change whether the row counts.

    A required column keeps a value of its type; one whose own value had the row refused keeps one
    that is refused, so that no row comes to count because somebody was erased.
    """
    if had_row_refused:
        return ERASED
    return _PLACEHOLDERS.get(column.type, "0") if column.required else None


def whose(
    contracts: Mapping[str, Contract], feed: str, is_person: IsPerson, relation: str | None = None
) -> str | None:
    """SQL that says of a row of a feed whether it is a person's; None where no row can be.

    `relation` holds rows of the feed that may not stand in bronze yet.
    """
    contract = contracts[feed]
    direct = []
    for column in contract.columns:
        if names_person(contracts, column):
            direct.append(is_person(f'"{column.name}"'))
        elif column.references not in (None, feed):
            parent = contracts[column.references]
            if (theirs := whose(contracts, parent.feed, is_person)) is not None:
                direct.append(
                    f'trim("{column.name}") in (select trim("{parent.key[0]}")'
                    f" from bronze.{parent.feed} where {theirs})"
                )
    if not direct:
        return None
    found = " or ".join(direct)
    for column in contract.columns:
        if column.same_person:
            sources = {f"bronze.{feed}", relation or f"bronze.{feed}"}
            values = " union all ".join(
                f'select trim("{column.name}") from {source} where {found}'
                for source in sorted(sources)
            )
            found += f' or trim("{column.name}") in ({values})'
    return f"coalesce({found}, false)"


def holds_something(contract: Contract, former: Sequence[str] = ()) -> str:
    """SQL that says of a row whether there is anything personal in it to blank.

    `former` are columns that left the contract, where the relation has them.
    """
    checks = [f'"{name}" is not null' for name in ("_rescued", *former)]
    for column in personal_columns(contract):
        left = placeholder(column) or ERASED
        checks.append(f"coalesce(\"{column.name}\" not in ('{left}', '{ERASED}'), false)")
    return f"({' or '.join(checks)})"


def blanked(contract: Contract, refused: str | None = None, former: Sequence[str] = ()) -> str:
    """The assignments of an update that blanks rows.

    `refused` is SQL of a list: the columns of a row whose own values had it refused. `former` are
    columns that left the contract, where the relation has them.
    """
    assignments = [f'"{name}" = null' for name in ("_rescued", *former)]
    for column in personal_columns(contract):
        value = _literal(placeholder(column))
        # What was erased before stays as it is, and its row as refused as it was.
        is_refused = f"\"{column.name}\" = '{ERASED}'"
        if refused is not None:
            is_refused += f" or list_contains({refused}, '{column.name}')"
        assignments.append(
            f"\"{column.name}\" = case when {is_refused} then '{ERASED}' else {value} end"
        )
    return ", ".join(assignments)


def _literal(value: str | None) -> str:
    return "null" if value is None else f"'{value}'"


def touch_rows(connection: DuckDBPyConnection, feed: str, rows: str) -> None:
    """Have the next build judge landed rows again, as it does when their patches change.

    `rows` is what stands behind `from`: it has `_file_id` and `_row_number`.
    """
    log = connection.execute(
        "from duckdb_tables() where database_name = current_database()"
        " and schema_name = 'changes' and table_name = 'patched_rows'"
    ).fetchone()
    if log is None:
        return
    (number,) = connection.execute(
        "select coalesce(max(number), 0) + 1 from changes.written where model = 'patched_rows'"
    ).fetchone()
    connection.execute(
        "insert into changes.patched_rows by name select ?::bigint as number, true as is_new,"
        f" _file_id as file_id, _row_number as row_number, ? as feed from {rows}",
        [number, feed],
    )
    connection.execute(
        "insert into changes.written by name select 'patched_rows' as model, ?::bigint as number,"
        " false as is_whole, null as code, 'file_id, row_number' as key_columns",
        [number],
    )
