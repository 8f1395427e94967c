"""Fixtures that several test modules share.

Belongs here: what is costly to make, made once. Does not: assertions.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

from orchestration.demo import generate
from orchestration.run import RunOutcome, run
from orchestration.settings import PROJECT_DIR, Settings

# Each run tries the same examples; `make test ARGS="--hypothesis-profile long"` others, and more.
hypothesis.settings.register_profile(
    "seeded",
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.register_profile(
    "long", hypothesis.settings.get_profile("seeded"), max_examples=5_000, derandomize=False
)
hypothesis.settings.load_profile("seeded")

# Begun first: a file is one worker's, and none is to be left over when the other has ended.
_LONGEST = frozenset(
    f"test_{name}.py"
    for name in (
        "arrival_order",
        "breaker",
        "crash_matrix",
        "customer_features",
        "dashboard",
        "erasure",
        "incremental",
        "ordeal",
        "patches",
        "run",
        "up",
    )
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in _LONGEST)


@dataclass(frozen=True)
class Built:
    """A warehouse after its first run over a small demo with faults, and what the run reported."""

    settings: Settings
    outcome: RunOutcome
    report: str


@pytest.fixture(scope="session", autouse=True)
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders of dbt and Dagster for this session: tests leave no trace in the project's own."""
    folder = tmp_path_factory.mktemp("scratch")
    own = {
        "DAGSTER_HOME": str(folder / "dagster"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DATA_DIR": str(folder / "data"),
        "SETTLE_SECONDS": "0",
    }
    documented = (PROJECT_DIR / "docs" / "configuration.md").read_text(encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        # Nobody's database of runs, nobody's webhook.
        for name in re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", documented):
            patch.delenv(name, raising=False)
        for name, value in own.items():
            patch.setenv(name, value)
        yield folder


@pytest.fixture(scope="session")
def built(scratch: Path) -> Built:
    """The warehouse of `Built`; tests that change it work on a copy (`copy_of_built`)."""
    settings = Settings(data_dir=scratch / "built", settle_seconds=0)
    generate(
        settings.landing,
        days=3,
        orders=60,
        faults=True,
        labels_path=scratch / "labels.jsonl",
    )
    lines: list[str] = []
    outcome = run(settings, report=lines.append)
    assert outcome.status == "published", outcome.error
    return Built(settings, outcome, "\n".join(lines))


@pytest.fixture
def copy_of_built(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Settings]:
    """Makes a copy of the built warehouse, which DATA_DIR then names."""

    def copy() -> Settings:
        shutil.copytree(built.settings.data_dir, tmp_path / "data")
        monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
        return Settings.from_env(os.environ)

    return copy
