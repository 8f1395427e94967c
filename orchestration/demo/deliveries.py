"""From arguments to a filled landing folder.

Belongs here: the order of steps, the summary.
Does not: what is in the files (`shop.py` and its neighbours), what is wrong in them
(`row_faults.py`, `file_faults.py`).
"""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb

from orchestration.contracts import Contract, feed_names, load_contracts
from orchestration.demo import faults as planting
from orchestration.demo import fulfilment, people, shop, visits, writing
from orchestration.demo.chance import Plan, create_chance
from orchestration.demo.planting import KEY_PREFIXES, Faults
from orchestration.settings import PROJECT_DIR, ConfigurationError

DEFAULT_DAYS = 7
DEFAULT_ORDERS = 2000
DEFAULT_SEED = 7
DEFAULT_START = date(2025, 1, 13)
FAULT_GROUPS = tuple(planting.GROUPS)
_CONTRACTS = PROJECT_DIR / "models" / "bronze" / "_bronze__sources.yml"


@dataclass(frozen=True)
class DemoSummary:
    """What was written: data files, triggers, records per feed in the daily files, bytes in
    landing, and how many labels of each level (row, line, file, batch)."""

    landing: Path
    files: int
    triggers: int
    rows: dict[str, int]
    size_bytes: int
    labels: dict[str, int]
    labels_path: Path | None
    redeliveries: Path | None


def generate(
    landing: Path,
    *,
    days: int = DEFAULT_DAYS,
    orders: int = DEFAULT_ORDERS,
    seed: int = DEFAULT_SEED,
    start: date = DEFAULT_START,
    faults: bool | str = False,
    labels_path: Path | None = None,
    redeliveries: Path | None = None,
    contracts_file: Path = _CONTRACTS,
    report: Callable[[str], None] = lambda sentence: None,
) -> DemoSummary:
    """Write `days` daily batches of the demo's feeds with `orders` orders in all to `landing`.

    Of the feeds and columns in `contracts_file` those that the demo knows are written.
    The same arguments give the same bytes. Files of the same names are replaced, others are left
    alone. `faults` plants labelled faults: True or "all" for all, False or "none" for none, else a
    comma-separated choice of FAULT_GROUPS. Labels, one JSON object per line, go to `labels_path`
    (an empty file without faults); corrections, to be dropped once the rest was loaded, to
    `redeliveries` (default: beside the labels). `report` gets a sentence per day.

    Raises ConfigurationError when an argument is out of range, the labels would stand in landing,
    or the contracts ask for what the demo does not know. Where landing was not there, a failure
    leaves none.
    """
    groups = _groups(faults)
    if days < 1 or orders < 1:
        raise ConfigurationError(f"A demo needs at least 1 day and 1 order, not {days}, {orders}.")
    if groups and (days < planting.LEAST_DAYS or orders < planting.LEAST_ORDERS):
        raise ConfigurationError(
            f"Faults need at least {planting.LEAST_DAYS} days and {planting.LEAST_ORDERS} orders,"
            f" not {days} and {orders}."
        )
    if groups and labels_path is None:
        raise ConfigurationError("Faults need a labels path: a fault without a label is a riddle.")
    if labels_path is not None and landing.resolve() in labels_path.resolve().parents:
        raise ConfigurationError(f"{labels_path} is in the landing folder; labels must not be.")
    if groups and redeliveries is None:
        redeliveries = labels_path.parent / "redeliveries"

    plan = Plan(days=days, orders=orders, seed=seed, start=start)
    contracts = load_contracts(contracts_file)
    with (
        tempfile.TemporaryDirectory() as spill,
        duckdb.connect(config={"temp_directory": spill}) as connection,
    ):
        report(f"Making {orders:,} orders over {days} days.")
        create_tables(connection, plan)
        known = known_contracts(connection, contracts)
        planted = planting.plant(connection, known, plan, groups, frozenset(feed_names(contracts)))
        _write_beside(planted, labels_path, redeliveries)
        rows, size = dict.fromkeys(known, 0), 0
        files = 0
        with writing.filling(landing) as folder:
            for day in range(days):
                written = write_day(connection, known, plan, day, planted, folder)
                for feed, file in written.items():
                    rows[feed] += file.rows
                    size += file.size
                files += len(written)
                report(
                    f"{plan.day(day)}: {len(written)} files,"
                    f" {sum(file.rows for file in written.values()):,} rows."
                )
    levels = [label["level"] for label in planted.labels]
    extra = planted.extra_files
    triggers = [file for file in extra if file.name.startswith("trigger")]
    return DemoSummary(
        landing=landing,
        files=files + len(extra) - len(triggers),
        triggers=days + len(triggers),
        rows=rows,
        size_bytes=size + sum(len(file.content) for file in extra),
        labels={level: levels.count(level) for level in dict.fromkeys(levels)},
        labels_path=labels_path,
        redeliveries=redeliveries if planted.redeliveries else None,
    )


def _groups(faults: bool | str) -> frozenset[str]:
    if isinstance(faults, bool):
        return frozenset(FAULT_GROUPS if faults else ())
    chosen = frozenset(word.strip() for word in faults.split(",") if word.strip())
    if chosen == {"all"}:
        return frozenset(FAULT_GROUPS)
    if chosen == {"none"}:
        return frozenset()
    if unknown := chosen - set(FAULT_GROUPS):
        raise ConfigurationError(
            f"Unknown faults {sorted(unknown)[0]!r};"
            f" known are all, none, {', '.join(FAULT_GROUPS)}."
        )
    return chosen


def _write_beside(planted: Faults, labels_path: Path | None, redeliveries: Path | None) -> None:
    """Write what does not go to landing: corrections, labels."""
    if redeliveries is not None and planted.redeliveries:
        redeliveries.mkdir(parents=True, exist_ok=True)
        for file in planted.redeliveries:
            writing.put(redeliveries, file.name, file.content)
    if labels_path is not None:
        labels_path.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(label, ensure_ascii=False) + "\n" for label in planted.labels]
        labels_path.write_text("".join(lines), encoding="utf-8")


def create_tables(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Make the tables of a whole shop, every feed's rows with the day they are delivered on."""
    create_chance(connection, plan)
    people.create_pools(connection, plan)
    people.create_customer_changes(connection, plan)
    shop.create_orders_placed(connection, plan)
    people.create_people(connection, plan)
    shop.create_shop(connection, plan)
    fulfilment.create_fulfilment(connection, plan)
    visits.create_visits(connection)


def known_contracts(
    connection: duckdb.DuckDBPyConnection, contracts: dict[str, Contract]
) -> dict[str, Contract]:
    """The contracts of the demo's feeds, without the columns that its tables do not have.

    Raises ConfigurationError when no feed is left, and when such a column is required: a file
    without it would be refused.
    """
    known = {}
    for feed, contract in contracts.items():
        if feed not in KEY_PREFIXES:
            continue
        names = writing.columns_of_table(connection, feed)
        for column in contract.columns:
            if column.required and column.name not in names:
                raise ConfigurationError(
                    f"The demo does not know the required column {column.name} of feed {feed}:"
                    " drop your own files into landing instead."
                )
        known[feed] = replace(
            contract,
            columns=tuple(column for column in contract.columns if column.name in names),
            sequence=contract.sequence if contract.sequence in names else None,
        )
    if not known:
        raise ConfigurationError(
            "The demo knows none of the feeds that have a contract:"
            " drop your own files into landing instead."
        )
    return known


def write_day(
    connection: duckdb.DuckDBPyConnection,
    contracts: dict[str, Contract],
    plan: Plan,
    day: int,
    planted: Faults,
    landing: Path,
) -> dict[str, writing.Written]:
    """Write the batch of a day, counted from 0; what was written, by feed.

    The trigger gets its name first, so that no loader takes half a batch.
    """
    batch_date = plan.day(day)
    written, expected = {}, []
    for feed, contract in contracts.items():
        name = writing.file_name(contract, f"{batch_date:%Y_%m_%d}")
        rows = [row for row in planted.rows if (row.feed, row.day) == (feed, day)]
        file = writing.write_daily_file(
            connection, contract, day, rows, writing.staged(landing, name)
        )
        if file is not None:
            written[feed] = file
            expected.append({"name": name, **file.entry})
    extra = [file for file in planted.extra_files if file.day == day]
    expected += [writing.extra_entry(file) for file in extra if file.announce]
    writing.put(
        landing,
        f"trigger_{batch_date:%Y_%m_%d}.json",
        writing.trigger(1, batch_date.isoformat(), expected),
    )
    for feed in written:
        name = writing.file_name(contracts[feed], f"{batch_date:%Y_%m_%d}")
        writing.staged(landing, name).replace(landing / name)
    for file in extra:
        writing.put(landing, file.name, file.content)
    return written
