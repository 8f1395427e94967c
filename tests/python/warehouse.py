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
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb

from orchestration.builds import project_fingerprint
from orchestration.contracts import load_contracts
from orchestration.dbt_runner import close_connections, spared
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
        project = self.settings.project_dir
        # What variables change, dbt may have read otherwise.
        read = None if "--vars" in arguments else self.read_project()
        if read and not read.success:
            return read
        scratch = self.settings.data_dir / "dbt"
        folders = ["--target-path", str(scratch / "target"), "--log-path", str(scratch / "logs")]
        variables = {
            "DATA_DIR": str(self.settings.data_dir),
            "DBT_PROJECT_DIR": str(project),
            "DBT_ENV_SECRET_PII_KEY": PII_KEY,
        }
        return _invoke(project, variables, *arguments, *folders, manifest=read and read.result)

    def read_project(self) -> Any:
        """What dbt says of reading the project as it is now; its `result` is the manifest."""
        return _read(self.settings.project_dir, project_fingerprint(self.settings))

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


@lru_cache(maxsize=4)
def _read(project: Path, fingerprint: str) -> Any:
    """Reading the project takes longer than most builds of tests: each one is read once.

    All are read in one folder, and as if for one warehouse: of a copy dbt then reads what differs.
    """
    scratch = os.environ["DBT_TARGET_PATH"]
    folders = ["--target-path", f"{scratch}/read", "--log-path", f"{scratch}/read"]
    variables = {"DATA_DIR": scratch, "DBT_PROJECT_DIR": str(PROJECT_DIR)}
    return _invoke(project, variables, "parse", *folders)


def _invoke(
    project: Path, variables: dict[str, str], command: str, *arguments: str, manifest: Any = None
) -> Any:
    from dbt.cli.main import dbtRunner

    options = ["--project-dir", str(project), "--profiles-dir", str(project)]
    options += ["--quiet", "--no-write-json", "--log-level-file", "none"]
    try:
        with environment(**variables), spared():
            return dbtRunner(manifest).invoke([command, *options, *arguments])
    finally:
        close_connections()


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
