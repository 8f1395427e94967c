"""The gold tables by hand: one DuckDB script beside which the pipeline is measured.

Belongs here: running `handwritten/*.sql` over a folder of files, into a file. Does not: the SQL.
"""

from pathlib import Path

import duckdb

from orchestration.pii_key import hmac_pads
from orchestration.settings import Settings
from orchestration.warehouse import bound_memory

SCRIPTS = sorted(Path(__file__).with_name("handwritten").glob("*.sql"))


def build_by_hand(
    files: dict[str, list[Path]], target: Path, settings: Settings, pii_key: str
) -> None:
    """Write all gold tables made of `files` (feed → files) to the new DuckDB file `target`.

    `settings` bound DuckDB's memory and say where it spills, `pii_key` is that of the hashes.
    """
    target.unlink(missing_ok=True)
    with duckdb.connect() as connection:
        bound_memory(connection, settings)
        connection.execute("attach ? as target", [str(target)])
        connection.execute("use target")
        for feed, paths in files.items():
            connection.execute(f"set variable {feed} = ?", [[str(path) for path in paths]])
        inner, outer = hmac_pads(pii_key)
        connection.execute("set variable pii_inner_pad = ?::blob", [inner])
        connection.execute("set variable pii_outer_pad = ?::blob", [outer])
        for script in SCRIPTS:
            connection.execute(script.read_text(encoding="utf-8"))
