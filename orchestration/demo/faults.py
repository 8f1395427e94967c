"""All faults of the chosen groups, on the tables of the clean shop.

Belongs here: the groups, and how small a demo may be to hold them.
Does not: the faults themselves (`row_faults.py`, `file_faults.py`).
"""

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract
from orchestration.demo.chance import Plan
from orchestration.demo.file_faults import plant_batches, plant_files, plant_lines
from orchestration.demo.planting import Faults
from orchestration.demo.row_faults import plant_rows

GROUPS = {
    "rows": plant_rows,
    "lines": plant_lines,
    "files": plant_files,
    "batches": plant_batches,
}
LEAST_DAYS = 2
LEAST_ORDERS = 20


def plant(
    connection: DuckDBPyConnection,
    contracts: dict[str, Contract],
    plan: Plan,
    groups: frozenset[str],
    taken_names: frozenset[str],
) -> Faults:
    """Plan all faults of `groups` (see GROUPS) that the feeds and columns of `contracts` can have.

    `taken_names` are the names of all feeds, also of those that the demo does not know.
    Raises ConfigurationError when the demo is too small to copy the rows they need.
    """
    faults = Faults(connection, contracts, plan, taken_names)
    for group, plant_group in GROUPS.items():
        if group in groups:
            plant_group(faults)
    faults.number_rows()
    return faults
