"""A person in the stewards' patches, which are part of the repository.

Belongs here: finding lines of the seed. Does not: taking them out, which a person does.
"""

import csv
import io
from collections.abc import Mapping

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract
from orchestration.erasure.find import Rows
from orchestration.erasure.traces import Traces
from orchestration.people import personal_columns
from orchestration.settings import Settings

_PATCH = ("file_name", "row_number", "column_name", "sha256")


def lines_of_patches(
    connection: DuckDBPyConnection,
    settings: Settings,
    contracts: Mapping[str, Contract],
    rows: Mapping[str, Rows],
    traces: Traces,
) -> list[int]:
    """Lines of seeds/patches.csv that hold a telling value, or a personal one for the person's row.

    What a patch says of a row need not have been delivered ever.
    """
    path = settings.project_dir / "seeds" / "patches.csv"
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8-sig")
    told = {number for number, line in enumerate(text.split("\n"), 1) if traces.edit(line) != line}
    personal = {
        (feed, column.name) for feed in rows for column in personal_columns(contracts[feed])
    }
    reader, begin = csv.DictReader(io.StringIO(text, newline="")), 2
    for patch in reader:
        cell = {name: (patch.get(name) or "").strip() for name in _PATCH}
        if any(
            (feed, cell["column_name"].lower()) in personal
            and connection.execute(
                f"from {found.table} inner join bronze.files as loaded on _file_id = loaded.file_id"
                # A patch may name a duplicate of the file that was loaded.
                " inner join bronze.files as named using (feed, sha256)"
                " where named.file_name = ? and _row_number = try_cast(? as bigint)"
                " and lower(?) in ('', sha256) limit 1",
                [cell["file_name"], cell["row_number"], cell["sha256"]],
            ).fetchone()
            for feed, found in rows.items()
        ):
            told.add(begin)
        begin = reader.line_num + 1
    return sorted(told)
