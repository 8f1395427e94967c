"""From landing to bronze: plain Python and DuckDB, no Dagster, no dbt.

The way of a file: its name says feed and batch date (`file_names.py`), a trigger may announce it
(`triggers.py`), its bytes are hashed and decoded (`spool.py`), read by contract (`reading.py`),
and one transaction writes rows, rejected rows and ledger before the file moves (`file_load.py`).
"""
