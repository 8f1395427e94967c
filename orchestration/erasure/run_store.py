"""A person in the PostgreSQL that Dagster stores its runs in, where it is not SQLite.

Belongs here: every text of that database. Does not: SQLite's files (`files.py`).
"""

import os
from contextlib import closing

from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from orchestration.erasure.traces import Traces, core_of, phone_digits, sql_of_digits
from orchestration.instance import POSTGRES_VARIABLE

_TEXTS = text(
    "select quote_ident(table_schema) || '.' || quote_ident(table_name), quote_ident(column_name)"
    " from information_schema.columns join information_schema.tables"
    " using (table_schema, table_name)"
    " where table_schema = any(current_schemas(false)) and table_type = 'BASE TABLE'"
    " and data_type in ('text', 'character varying') order by 1, 2"
)


def clear_run_store(traces: Traces) -> int:
    """Take telling values out of the texts of the database that DAGSTER_POSTGRES_URL names.

    Gives how many texts changed; 0 where runs are stored in SQLite. Tables in which some did are
    written anew, so that no page of theirs has what stood there; PostgreSQL's log of changes and
    its backups are its keeper's. Raises OSError when it cannot be reached.
    """
    url = os.environ.get(POSTGRES_VARIABLE)
    if not url:
        return 0
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    # An event log is long: only texts that may hold a value leave the database.
    cores = [core_of(value) for value in traces.telling]
    phones = [digits for value in traces.telling if (digits := phone_digits(value))]
    changed, tables = 0, set()
    try:
        with closing(engine.connect()) as connection:
            for table, column in connection.execute(_TEXTS).fetchall():
                # A row that is changed moves: each column is looked up by itself.
                may_tell = f'strpos(lower({column} collate "C"), core) > 0'
                found = connection.execute(
                    text(
                        f"select ctid::text, {column} from {table} where exists"
                        f" (select 1 from unnest(cast(:cores as text[])) as core where {may_tell})"
                        " or exists (select 1 from unnest(cast(:phones as text[])) as phone"
                        f" where strpos({sql_of_digits(column)}, phone) > 0)"
                    ),
                    {"cores": cores, "phones": phones},
                )
                edited = [
                    {"place": place, "value": after}
                    for place, value in found
                    if (after := traces.edit(value)) != value
                ]
                if edited:
                    connection.execute(
                        text(
                            f"update {table} set {column} = :value where ctid = cast(:place as tid)"
                        ),
                        edited,
                    )
                    tables.add(table)
                changed += len(edited)
            for table in sorted(tables):
                connection.execute(text(f"vacuum full {table}"))
    except DBAPIError as error:
        raise OSError(
            f"The database of Dagster's runs ({POSTGRES_VARIABLE}) cannot be cleared:"
            f" {' '.join(str(error.orig).split())}; when it can, erase again."
        ) from None
    finally:
        engine.dispose()
    return changed
