"""dbt-duckdb plugin, named in profiles.yml: what every connection of dbt needs.

It makes the warehouse's folder and the tables that are no model's, so that `dbt build` works on a
fresh clone, keeps DuckDB within its memory, and gives every cursor the key of the keyed hashes and
the code of the project. A plugin can give the key without a trace in `target/`, `logs/` or the
database; `env_var()` in a model cannot.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from orchestration.builds import code_fingerprint, create_builds, create_changes
from orchestration.contracts import load_contracts
from orchestration.forecast.tables import create_forecast
from orchestration.loader.bronze_tables import create_bronze
from orchestration.pii_key import hmac_pads, read_or_make_key
from orchestration.settings import Settings, make_private
from orchestration.warehouse import bound_memory


class Plugin(BasePlugin):
    """Named `orchestration.dbt_plugin` in profiles.yml; dbt-duckdb wants the name `Plugin`."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        self._settings = replace(
            Settings.from_env(),
            data_dir=Path(plugin_config["data_dir"]).absolute(),
            project_dir=Path(plugin_config["project_dir"]).absolute(),
        )
        make_private(self._settings.warehouse.parent)
        self._key = plugin_config.get("pii_key") or None
        self._code: str | None = None

    def configure_connection(self, conn: Any) -> None:
        bound_memory(conn, self._settings)
        create_bronze(conn, load_contracts(self._settings.contracts_file))
        create_builds(conn)
        create_changes(conn)
        create_forecast(conn)

    def configure_cursor(self, cursor: Any) -> None:
        if self._key is None:
            self._key = read_or_make_key(self._settings.data_dir)
        if self._code is None:
            self._code = code_fingerprint(self._settings, self._key)
        # dbt's snapshots take the time of the session, which is the machine's own.
        cursor.execute("set TimeZone = 'UTC'")
        inner, outer = hmac_pads(self._key)
        cursor.execute("set variable pii_inner_pad = ?::blob", [inner])
        cursor.execute("set variable pii_outer_pad = ?::blob", [outer])
        cursor.execute("set variable project_code = ?", [self._code])
