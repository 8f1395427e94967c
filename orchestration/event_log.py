"""Dagster's event log, in the SQLite files that Dagster keeps by default, written with less work.

Belongs here: how connections to those files are made. Does not: what is stored in them (Dagster's
own `SqliteEventLogStorage`).

Dagster opens and closes a file for every statement. Each time SQLAlchemy compiles the statement
anew, and SQLite empties its write-ahead log and waits for the disk. A build with 250 checks writes
1,000 events, each with five statements.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from dagster import StringSource
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

_ENGINES_KEPT = 8  # The file of all runs, and of each run that is read or written now.


class EventLog(SqliteEventLogStorage):
    """Named in dagster.yaml, where `dagster_home` is the folder of the instance."""

    supports_asset_checks = True  # Dagster would look for their table before each of them.

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engine = lru_cache(_ENGINES_KEPT)(_engine)
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {"dagster_home": StringSource}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: dict[str, Any]
    ) -> "EventLog":
        return cls(str(Path(config_value["dagster_home"]) / "history" / "runs"), inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            # A connection must not be used on the other side of a fork.
            engine = self._engine(self.conn_string_for_shard(shard), os.getpid())
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection


def _engine(url: str, _process: int) -> Engine:
    # One connection, whatever thread uses it: `_db_lock` lets in one at a time.
    engine = create_engine(
        url,
        poolclass=StaticPool,
        connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
    )
    # With a write-ahead log a power cut can then cost the last events, never the file.
    event.listen(engine, "connect", lambda raw, _: raw.execute("pragma synchronous = normal"))
    return engine
