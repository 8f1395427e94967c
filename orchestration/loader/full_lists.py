"""The guard of full lists: a delivery that would delete too much is held.

Belongs here: comparing the keys of deliveries of one feed. Does not: deleting keys (that is SQL
of the history models), and releasing a hold (`batches.py`).
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract
from orchestration.loader.ledger import Entry, Ledger
from orchestration.loader.triggers import Hold


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
        other = " union ".join(_loaded(contract, ledger.delivery(contract.feed, day)))
        before, after = (other, this) if day < batch_date else (this, other)
        keys = _count(connection, f"select count(*) from ({before})")
        gone = _count(connection, f"select count(*) from (({before}) except ({after}))")
        if keys and gone > Decimal(str(contract.max_deleted_ratio)) * keys:
            first, second = sorted((day, batch_date))
            return Hold(
                "mass_delete",
                f"{gone} of the {keys} keys of {contract.feed} in the full list of {first} are"
                f" not in that of {second}; more than {contract.max_deleted_ratio:.0%} may not"
                " be deleted at once.",
            )
    return None


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
