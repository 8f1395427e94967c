"""A transaction of DuckDB: all of it, or none.

Belongs here: beginning one and how it ends. Does not: what is written inside.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from duckdb import DuckDBPyConnection, TransactionException


@contextmanager
def transaction(connection: DuckDBPyConnection) -> Iterator[None]:
    """All that is written inside is committed together; an error inside takes it back."""
    connection.execute("begin transaction")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        # A commit that failed has ended the transaction already.
        with suppress(TransactionException):
            connection.execute("rollback")
        raise
