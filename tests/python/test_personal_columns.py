"""The gate of personal columns: by name and by lineage, no column that readers see is a raw one.

`test_privacy.py` looks at values; here the code is looked at, so that a column which happens to be
empty today is found by its name.
"""

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot import exp
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope

from orchestration.contracts import Contract, load_contracts
from orchestration.dbt_runner import invoke, target_dir
from orchestration.publish import current_file

# What a mask leaves of a column (macros/masked_columns.sql); a redacted one keeps its name.
_LEFT_OF = {
    "drop": (),
    "email": ("{}_hash", "{}_domain", "has_{}"),
    "phone": ("{}_masked",),
    "year": ("{}_year", "birth_year"),
    "redact": ("{}",),
}
# Made of whole rows by macros that mask: judged_rows, held_back_rows, patched_rows.
_MASKED = {"version_hash", "rejection_reasons", "warnings", "is_accepted", "original", "definition"}

Schema = Mapping[str, Mapping[str, Mapping[str, Mapping[str, str]]]]


def personal_sources(contracts: Mapping[str, Contract]) -> dict[tuple[str, str], set[str]]:
    """(table, column) of what is personal as delivered → names under which it may go on, masked."""
    found = {
        (contract.feed, column.name): {form.format(column.name) for form in _LEFT_OF[column.mask]}
        for contract in contracts.values()
        for column in contract.columns
        if column.mask
    }
    whole: set[str] = set()
    found |= {(feed, "_rescued"): whole for feed in contracts}
    raw = {("rejected_rows", "raw"), ("rejected_rows", "error"), ("patches", "new_value")}
    return found | dict.fromkeys(raw, whole)


def unmasked(
    model: str, sql: str, schema: Schema, personal: Mapping[tuple[str, str], set[str]]
) -> list[str]:
    """`model.column <- table.column` for each column of a query that hands on a personal one."""
    tree = qualify(
        sqlglot.parse_one(sql, dialect="duckdb"),
        schema=schema,
        dialect="duckdb",
        validate_qualify_columns=False,
    )
    scope = build_scope(tree)
    found = []
    for column in tree.named_selects:
        if column in _MASKED:
            continue
        for leaf in lineage(column, tree, schema, dialect="duckdb", scope=scope).walk():
            if not isinstance(leaf.expression, exp.Table):
                continue
            source = (leaf.expression.name, leaf.name.rpartition(".")[2].strip('"'))
            if source in personal and column not in personal[source]:
                found.append(f"{model}.{column} <- {'.'.join(source)}")
    return sorted(set(found))


@pytest.fixture(scope="module")
def schema(built) -> Schema:
    """Every column of the warehouse, as sqlglot wants it."""
    found: dict = {}
    with closing(duckdb.connect(built.settings.warehouse, read_only=True)) as connection:
        for database, schema, table, column, kind in connection.execute(
            "select table_catalog, table_schema, table_name, column_name, data_type"
            " from information_schema.columns where table_catalog = current_database()"
        ).fetchall():
            tables = found.setdefault(database, {}).setdefault(schema, {})
            tables.setdefault(table, {})[column] = kind
    return found


@pytest.fixture(scope="module")
def personal(built) -> dict[tuple[str, str], set[str]]:
    return personal_sources(load_contracts(built.settings.contracts_file))


def test_no_model_hands_on_a_personal_column_unmasked(built, schema, personal):
    # What other tests left there may be of another warehouse.
    compiled = invoke(built.settings, ["compile", "--full-refresh"])
    assert compiled.succeeded, compiled.reasons()
    target = target_dir(built.settings)
    manifest = json.loads(Path(target, "manifest.json").read_text())
    read, found = [], []
    for node in manifest["nodes"].values():
        if node["resource_type"] not in ("model", "snapshot"):
            continue
        sources = {parent.rpartition(".")[2] for parent in node["depends_on"]["nodes"]}
        if not sources & {table for table, _ in personal}:
            continue
        compiled = Path(target, "compiled", "orderhouse", node["original_file_path"])
        if compiled.suffix == ".sql":
            found += unmasked(node["name"], compiled.read_text(), schema, personal)
            read.append(node["name"])
    assert {"stg_customers", "stg_addresses", "stg_payments", "stg_clickstream"} <= set(read)
    assert "quarantine" in read
    assert found == []


@pytest.mark.parametrize(
    ("sql", "hands_on"),
    [
        ("select email as contact from bronze.customers", ["m.contact <- customers.email"]),
        (
            "with a as (select trim(first_name) || ' ' || last_name as b from bronze.customers)"
            " select upper(b) as who from a",
            ["m.who <- customers.first_name", "m.who <- customers.last_name"],
        ),
        (
            "select * from bronze.rejected_rows",
            ["m.error <- rejected_rows.error", "m.raw <- rejected_rows.raw"],
        ),
        ("select _rescued as more from bronze.orders", ["m.more <- orders._rescued"]),
        ("select sha256(email) as email_hash, gender from bronze.customers", []),
    ],
)
def test_what_is_handed_on_is_found_by_name(schema, personal, sql, hands_on):
    assert unmasked("m", sql, schema, personal) == hands_on


def test_no_column_that_readers_see_is_called_like_a_personal_one(built):
    contracts = load_contracts(built.settings.contracts_file)
    raw = {
        column.name
        for contract in contracts.values()
        for column in contract.columns
        if column.pii and column.mask != "redact"
    }
    assert len(raw) > 7
    with closing(duckdb.connect(current_file(built.settings), read_only=True)) as connection:
        seen = connection.execute(
            "select table_schema, table_name, column_name from information_schema.columns"
        ).fetchall()
    assert len(seen) > 300
    assert [".".join(column) for column in seen if column[2] in raw] == []
