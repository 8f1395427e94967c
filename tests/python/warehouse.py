"""A warehouse in a folder of its own, for tests: drop files, load, build, ask.

Belongs here: what several test modules need to drive the real loader and the real dbt in this
process. Does not: assertions, but that a build passed.
"""

import csv
import io
import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.contracts import load_contracts
from orchestration.dbt_runner import close_connections
from orchestration.loader.load import LoadReport, connect, load_landing
from orchestration.settings import PROJECT_DIR, Settings

# One key for all: the same files then give the same hashes.
PII_KEY = "the key of all tests"


@dataclass(frozen=True)
class Warehouse:
    """A `DATA_DIR` and the project whose models are built on it."""

    settings: Settings

    @classmethod
    def at(cls, data_dir: Path, project_dir: Path = PROJECT_DIR) -> "Warehouse":
        settings = Settings(data_dir=data_dir, project_dir=project_dir, settle_seconds=0)
        settings.landing.mkdir(parents=True, exist_ok=True)
        return cls(settings)

    @classmethod
    def with_own_project(cls, folder: Path) -> "Warehouse":
        """A warehouse whose project is a copy, for tests that change contracts or models."""
        project = folder / "project"
        for name in ("models", "macros", "seeds", "snapshots", "tests"):
            ignore = shutil.ignore_patterns("python", "__pycache__")
            shutil.copytree(PROJECT_DIR / name, project / name, ignore=ignore)
        for name in ("dbt_project.yml", "profiles.yml"):
            shutil.copy(PROJECT_DIR / name, project / name)
        return cls.at(folder / "data", project)

    def edit(self, file: str, before: str, after: str) -> None:
        """Replace a text that stands once in a file of the project's copy."""
        path = self.settings.project_dir / file
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{before!r} stands {text.count(before)} times in {file}"
        path.write_text(text.replace(before, after), encoding="utf-8")

    def drop(self, name: str, content: str | bytes) -> None:
        """Put a file into landing."""
        data = content.encode("utf-8") if isinstance(content, str) else content
        (self.settings.landing / name).write_bytes(data)

    def drop_rows(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Put records into landing, as CSV or NDJSON by the name; absent members stay absent."""
        if ".csv" not in name:
            self.drop(name, "".join(json.dumps(row) + "\n" for row in rows))
            return
        columns = list(dict.fromkeys(column for row in rows for column in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        self.drop(name, text.getvalue())

    def load(self) -> LoadReport:
        """Load what lies in landing."""
        connection = connect(self.settings)
        try:
            contracts = load_contracts(self.settings.contracts_file)
            return load_landing(connection, self.settings, contracts)
        finally:
            connection.close()

    def dbt(self, *arguments: str) -> Any:
        """Run dbt in this process; its result (`success`, `result`)."""
        from dbt.cli.main import dbtRunner

        project = str(self.settings.project_dir)
        folders = ["--project-dir", project, "--profiles-dir", project]
        scratch = self.settings.data_dir / "dbt"
        folders += ["--target-path", str(scratch / "target"), "--log-path", str(scratch / "logs")]
        variables = {
            "DATA_DIR": str(self.settings.data_dir),
            "DBT_PROJECT_DIR": project,
            "DBT_ENV_SECRET_PII_KEY": PII_KEY,
        }
        try:
            with environment(**variables):
                return dbtRunner().invoke([*arguments, *folders, "--quiet"])
        finally:
            close_connections()

    def build(self, *arguments: str) -> Any:
        """`dbt build` without unit tests; of a selection only tests that it holds all models of."""
        fixed = ["--exclude-resource-type", "unit_test", "--indirect-selection", "cautious"]
        return self.dbt("build", *fixed, *arguments)

    def deliver(self, files: dict[str, list[dict[str, Any]]], *arguments: str) -> None:
        """Drop files, by name, load and build; a build that fails says why."""
        for name, rows in files.items():
            self.drop_rows(name, rows)
        self.load()
        assert_passed(self.build(*arguments))

    def ask(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of a query on the working copy."""
        connection = duckdb.connect(str(self.settings.warehouse))
        try:
            return connection.execute(sql, parameters or None).fetchall()
        finally:
            connection.close()


def assert_passed(result: Any) -> None:
    """Fail with what each node says that did not pass (`result` is that of `Warehouse.dbt`)."""
    bad = ("error", "fail", "runtime error")
    rows = () if result.exception else result.result
    assert result.success, result.exception or "\n".join(
        f"{row.node.name}: {row.message}" for row in rows if row.status in bad
    )


@contextmanager
def environment(**variables: str):
    """Environment variables for the length of a block."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
