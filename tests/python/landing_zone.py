"""A landing folder with the real loader behind it, for tests of the landing contract.

Belongs here: dropping files, loading, asking bronze. Does not: assertions.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.contracts import load_contracts
from orchestration.loader.batches import release_batch
from orchestration.loader.landing import Due, want_run, what_is_due
from orchestration.loader.load import LoadReport, connect, load_landing
from orchestration.settings import PROJECT_DIR, Settings

NOW = datetime(2025, 1, 20, 12, 0, tzinfo=UTC)


def orders_csv(*order_ids: str, amount: str = "10.00", status: str = "pending") -> str:
    """An orders file of the required columns and an amount."""
    lines = ["order_id,customer_id,order_date,order_status,total_amount"]
    lines += [f"{order},C1,2025-01-15T08:00:00Z,{status},{amount}" for order in order_ids]
    return "\n".join(lines) + "\n"


class LandingZone:
    """One `DATA_DIR`. Files are dropped as finished an hour ago; `age` says otherwise."""

    def __init__(self, data_dir: Path, project_dir: Path = PROJECT_DIR, **settings: float) -> None:
        values = {"settle_seconds": 0, **settings}
        self.settings = Settings(data_dir=data_dir, project_dir=project_dir, **values)
        self.settings.landing.mkdir(parents=True, exist_ok=True)
        self.contracts = load_contracts(self.settings.contracts_file)
        self.now = NOW
        self.lines: list[str] = []

    @classmethod
    def copied(cls, data_dir: Path, target: Path) -> "LandingZone":
        """A zone that goes on from a copy of another's folder."""
        shutil.copytree(data_dir, target)
        return cls(target)

    def set_contract(self, feed: str, **options: Any) -> None:
        self.contracts[feed] = replace(self.contracts[feed], **options)

    def drop(self, name: str, content: str | bytes = "", age: float = 3600) -> str:
        """Put a file into landing, `age` seconds old; its sha256."""
        data = content.encode() if isinstance(content, str) else content
        path = self.settings.landing / name
        path.write_bytes(data)
        written = time.time() - age
        os.utime(path, (written, written))
        return hashlib.sha256(data).hexdigest()

    def drop_trigger(self, name: str, *expected: Any, age: float = 3600, **keys: Any) -> None:
        document = {"expected_files": list(expected), **keys}
        self.drop(name, json.dumps(document), age)

    def load(self, wait: bool = False, now: Callable[[], datetime] | None = None) -> LoadReport:
        with closing(connect(self.settings)) as connection:
            return load_landing(
                connection,
                self.settings,
                self.contracts,
                now=now or (lambda: self.now),
                report=self.lines.append,
                wait_for_settling=wait,
            )

    def status(self, wait: bool = False) -> dict[str, str]:
        """Load; file name → its reason code, where there is none its status."""
        return {file.file_name: file.code or file.status for file in self.load(wait).files}

    def release(self, batch_id: str, why: str = "checked by phone") -> str:
        want_run(self.settings, f"{batch_id} was released.")
        with closing(connect(self.settings)) as connection:
            return release_batch(connection, batch_id, why)

    def due(self) -> Due:
        return what_is_due(self.settings, self.contracts, lambda: self.now)

    def query(self, sql: str, *parameters: Any) -> list[tuple]:
        with closing(connect(self.settings)) as connection:
            return connection.execute(sql, parameters).fetchall()

    def batches(self) -> dict[str, tuple[str, str | None]]:
        rows = self.query("select batch_id, status, reason from bronze.batches")
        return {batch_id: (status, reason) for batch_id, status, reason in rows}

    def ledger(self) -> list[tuple[str, str]]:
        """File name and status of every entry, in the order they came."""
        return self.query("select file_name, status from bronze.files order by file_id")

    def counting_orders(self) -> list[str]:
        """order_id of every row of a file that counts."""
        rows = self.query(
            "select order_id from bronze.orders inner join bronze.files on file_id = _file_id"
            " where status = 'loaded' order by all"
        )
        return [order for (order,) in rows]

    def tree(self) -> dict[str, bytes]:
        """Every file in landing, archive and discarded: relative path → content."""
        return {
            str(path.relative_to(self.settings.data_dir)): path.read_bytes()
            for folder in (self.settings.landing, self.settings.archive, self.settings.discarded)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }

    def reason(self, path: str) -> dict[str, str]:
        """The reason file beside a discarded file, given by its path under discarded/."""
        return json.loads((self.settings.discarded / f"{path}.reason.json").read_text())
