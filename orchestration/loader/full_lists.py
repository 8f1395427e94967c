"""The guard of full lists: a delivery that would delete too much is held, a contract refused.

Belongs here: comparing the keys of deliveries of one feed. Does not: deleting keys (that is SQL
of the history models), and releasing a hold (`batches.py`).
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract
from orchestration.loader.ledger import Entry, Ledger
from orchestration.loader.triggers import Hold
from orchestration.settings import ConfigurationError


def mass_delete(
    connection: DuckDBPyConnection,
    contract: Contract,
    ledger: Ledger,
    batch_date: date,
    tables: Iterable[str],
    replaced: Iterable[Entry],
) -> Hold | None:
    """Why the delivery of `batch_date` must not be loaded as it would then be; None when it may.

    A delivery of a full list is all files of one feed and batch date that count: here those in
    the ledger without the `replaced` ones, and the rows in `tables`, which are about to be loaded.
    It is compared with its nearest neighbours in time, the earlier one as what it deletes from,
    the later one as what deletes from it. One without rows deletes nothing and is no neighbour.
    """
    replaced_ids = {entry.file_id for entry in replaced}
    kept = [entry for entry in ledger.delivery(contract.feed, batch_date) if entry.rows_loaded]
    delivered = [_keys(contract, table) for table in tables]
    delivered += _loaded(contract, [entry for entry in kept if entry.file_id not in replaced_ids])
    if not delivered:
        return None
    this = " union ".join(delivered)
    if _count(connection, f"select count(*) from ({this})") == 0:
        return None

    dates = [day for day in ledger.delivery_dates(contract.feed) if day != batch_date]
    earlier = max((day for day in dates if day < batch_date), default=None)
    later = min((day for day in dates if day > batch_date), default=None)
    for day in (earlier, later):
        if day is None:
            continue
        lists = {batch_date: this, day: _delivery(contract, ledger, day)}
        if problem := _too_many_gone(connection, contract, lists):
            return Hold("mass_delete", problem)
    return None


def check_made_full(connection: DuckDBPyConnection, contract: Contract, ledger: Ledger) -> None:
    """Refuse a contract by which deltas that were loaded become full lists, where much would go.

    Raises ConfigurationError. Asked until a file is loaded by the new contract.
    """
    if contract.extract != "full":
        return
    newest = connection.execute(
        "select max_by(read_as, file_id) from bronze.files where feed = ? and read_as is not null",
        [contract.feed],
    ).fetchone()
    if newest == (None,) or contract.reading_as(newest[0]).extract == "full":
        return
    for days in pairwise(ledger.delivery_dates(contract.feed)):
        lists = {day: _delivery(contract, ledger, day) for day in days}
        if problem := _too_many_gone(connection, contract, lists):
            raise ConfigurationError(
                f"feed {contract.feed!r}: extract is full now, but its files were loaded as deltas."
                f" As full lists they would delete: {problem} Put extract back to delta; if they"
                " were full lists, raise max_deleted_ratio until the feed's next file is loaded."
            )


def _too_many_gone(
    connection: DuckDBPyConnection, contract: Contract, lists: Mapping[date, str]
) -> str | None:
    """What is wrong when the later of two lists, queries of keys, follows the earlier one."""
    first, second = sorted(lists)
    keys = _count(connection, f"select count(*) from ({lists[first]})")
    gone = _count(connection, f"select count(*) from (({lists[first]}) except ({lists[second]}))")
    if not keys or gone <= Decimal(str(contract.max_deleted_ratio)) * keys:
        return None
    return (
        f"{gone} of the {keys} keys of {contract.feed} in the full list of {first} are not in that"
        f" of {second}; more than {contract.max_deleted_ratio:.0%} may not be deleted at once."
    )


def _delivery(contract: Contract, ledger: Ledger, day: date) -> str:
    return " union ".join(_loaded(contract, ledger.delivery(contract.feed, day)))


def _loaded(contract: Contract, entries: Iterable[Entry]) -> list[str]:
    ids = ", ".join(str(entry.file_id) for entry in entries)
    return [_keys(contract, f"bronze.{contract.feed}", f"_file_id in ({ids})")] if ids else []


def _keys(contract: Contract, table: str, condition: str = "true") -> str:
    """The keys that rows of a table hold and do not delete, as a query."""
    columns = ", ".join(f'trim("{column}") as "{column}"' for column in contract.key)
    present = " and ".join(f'"{column}" is not null' for column in contract.key)
    return (
        f"select distinct {columns} from {table} where {condition} and {present}"
        " and coalesce(lower(trim(_op)), '') not in ('d', 'delete')"
    )


def _count(connection: DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]
