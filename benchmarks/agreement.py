"""Whether pipeline and hand-written script came to the same gold tables.

Belongs here: comparing two DuckDB files, table by table. Does not: making either.
"""

from pathlib import Path

import duckdb

# A sum of doubles differs in its last digits with the order of rows.
_DIGITS = 6


def differences(published: Path, by_hand: Path) -> list[str]:
    """A sentence per table of `by_hand` whose rows are not those of the same table in gold.

    Compared are the columns that the script makes, of all rows, as text; doubles to six digits.
    """
    with duckdb.connect() as connection:
        connection.execute(f"attach '{published}' as published (read_only)")
        connection.execute(f"attach '{by_hand}' as by_hand (read_only)")
        found = []
        for (table,) in connection.execute(
            "select table_name from duckdb_tables() where database_name = 'by_hand' order by all"
        ).fetchall():
            schema = "silver" if table == "quarantine" else "gold"
            found += _difference(connection, table, f"published.{schema}.{table}")
        return found


def _difference(connection: duckdb.DuckDBPyConnection, table: str, theirs: str) -> list[str]:
    columns = connection.execute(
        "select column_name, data_type from duckdb_columns()"
        " where database_name = 'by_hand' and table_name = ? order by column_index",
        [table],
    ).fetchall()
    if table == "quarantine":
        # Its other columns are said in another way: only the number of rows is compared.
        columns = []
    texts = [
        f"round({name}, {_DIGITS})::varchar" if kind == "DOUBLE" else f"{name}::varchar"
        for name, kind in columns
    ]
    figures = ["count(*)", f"sum(hash({', '.join(texts) or '0'}))"]
    figures += [f"sum(hash({text}))" for text in texts]
    ours, gold = (
        connection.execute(f"select {', '.join(figures)} from {relation}").fetchone()
        for relation in (f"by_hand.{table}", theirs)
    )
    if ours == gold:
        return []
    if ours[0] != gold[0]:
        return [f"{table}: {gold[0]:,} rows in the warehouse, {ours[0]:,} by hand."]
    names = [name for (name, _), a, b in zip(columns, ours[2:], gold[2:], strict=True) if a != b]
    return [f"{table}: other values in {', '.join(names) or 'the combination of columns'}."]
