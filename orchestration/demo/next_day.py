"""One more demo day after those that were made, for a shop that goes on by itself.

Belongs here: which demo lies in a `DATA_DIR`, its next day. Does not: when it is made
(`automation.py`).
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import duckdb

from orchestration.contracts import load_contracts
from orchestration.demo.chance import Plan
from orchestration.demo.deliveries import (
    DEFAULT_DAYS,
    DEFAULT_ORDERS,
    DEFAULT_SEED,
    DEFAULT_START,
    create_tables,
    known_contracts,
    write_day,
)
from orchestration.demo.planting import Faults
from orchestration.demo.writing import filling
from orchestration.settings import ConfigurationError, Settings


@dataclass(frozen=True)
class _Made:
    """The demo that lies here: what it was made with, and how many of its days were made."""

    days: int
    orders: int
    seed: int
    start: str
    made: int


def remember_demo(
    settings: Settings,
    *,
    days: int = DEFAULT_DAYS,
    orders: int = DEFAULT_ORDERS,
    seed: int = DEFAULT_SEED,
    start: date = DEFAULT_START,
) -> None:
    """Note that this demo was made here; arguments as those of `orchestration.demo.generate`."""
    _write(settings, _Made(days, orders, seed, start.isoformat(), days))


def make_next_day(settings: Settings, today: date) -> tuple[date, int]:
    """Put the files of the demo's next day into landing; that day, and how many files they are.

    The same shop goes on, without faults: after the same demo the same day has the same bytes, and
    a day that was made but not noted is made again. Where no demo was made, and nothing else
    lies, the default one begins. Raises ConfigurationError where somebody's files lie, when the
    demo has come up to `today`, and when the contracts ask for what the demo does not know.
    """
    made = _read(settings)
    if made is None:
        if any(map(_holds_something, (settings.landing, settings.archive, settings.discarded))):
            raise ConfigurationError(
                f"Files that are not of a demo lie in {settings.data_dir}; no demo day is put"
                " beside them."
            )
        made = _Made(DEFAULT_DAYS, DEFAULT_ORDERS, DEFAULT_SEED, DEFAULT_START.isoformat(), 0)
    day, start = made.made, date.fromisoformat(made.start)
    plan = Plan(made.days, made.orders, made.seed, start, more_days=max(0, day + 1 - made.days))
    if plan.day(day) > today:
        raise ConfigurationError(f"The demo has come up to today: {plan.day(day)} is yet to come.")
    contracts = load_contracts(settings.contracts_file)
    with duckdb.connect() as connection:
        create_tables(connection, plan)
        known = known_contracts(connection, contracts)
        no_faults = Faults(connection, known, plan)
        with filling(settings.landing) as folder:
            written = write_day(connection, known, plan, day, no_faults, folder)
    _write(settings, replace(made, made=day + 1))
    return plan.day(day), len(written)


def _holds_something(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _file(settings: Settings) -> Path:
    return settings.data_dir / "demo" / "made.json"


def _read(settings: Settings) -> _Made | None:
    try:
        return _Made(**json.loads(_file(settings).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{_file(settings)} does not read: {error}.") from None


def _write(settings: Settings, made: _Made) -> None:
    _file(settings).parent.mkdir(parents=True, exist_ok=True)
    draft = _file(settings).with_suffix(".new")
    draft.write_text(json.dumps(asdict(made)) + "\n", encoding="utf-8")
    draft.replace(_file(settings))
