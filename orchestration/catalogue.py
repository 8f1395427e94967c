"""The catalogue: what every table, column and macro means, whose it is, and what it is made of.

Belongs here: what a page of documentation says beside what stands in YAML, and the page itself.
Does not: what anything means (YAML beside the models, the head of each macro, `_columns.md`).

A description stands once. A column of staging, of a history or of a snapshot means what its entity
or its feed's contract says; what many tables have in common (`_file_id`) stands in a docs block of
the column's name; a macro's is the comment at its head.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from orchestration.dbt_runner import invoke, target_dir
from orchestration.settings import ConfigurationError, Settings
from orchestration.warehouse import open_warehouse, writer_lock

# Names of tables as in "gold.fact_sales", of their columns in order.
Columns = Mapping[str, list[str]]

_HEAD = re.compile(r"\s*\{#-?(.*?)-?#\}", re.DOTALL)
# The first comment; a test may be configured before it.
_HEAD_OF_TEST = re.compile(r"^(?:--[^\n]*\n)+", re.MULTILINE)
_TABLES = ("model", "seed", "snapshot", "source")
# Their lineage is their feed's columns, by name; to compute it takes as long as all the rest.
_WITHOUT_LINEAGE = ("stg_", "quarantine")
# Where this machine keeps the project is nobody's business.
_PATHS = {"root_path", "compiled_path", "build_path"}


def write_docs(settings: Settings, report: Callable[[str], None]) -> Path:
    """One static page of documentation, of the warehouse as it stands; its path.

    In a target folder of its own, since what dbt knows is completed here before it makes the page.
    Raises ConfigurationError with dbt's own words when the project does not compile.
    """
    folder = target_dir(settings) / "docs"
    folder.mkdir(parents=True, exist_ok=True)
    if (parsed := target_dir(settings) / "partial_parse.msgpack").exists():
        shutil.copy(parsed, folder)
    at = ["--target-path", str(folder)]
    with writer_lock(settings, report):
        _dbt(settings, ["compile", "--full-refresh", *at])
        path = folder / "manifest.json"
        manifest = json.loads(path.read_text(encoding="utf-8"))
        columns = columns_of_warehouse(settings)
        complete(manifest, columns, settings.project_dir)
        report("Tracing columns to where they come from.")
        add_lineage(manifest, columns)
        for node in manifest["nodes"].values():
            node.update(dict.fromkeys(_PATHS & node.keys()))
        path.write_text(json.dumps(manifest), encoding="utf-8")
        _dbt(settings, ["docs", "generate", "--static", "--no-compile", *at])
    return folder / "static_index.html"


def columns_of_warehouse(settings: Settings) -> dict[str, list[str]]:
    """Columns of every table that stands in the warehouse."""
    found: dict[str, list[str]] = {}
    with closing(open_warehouse(settings)) as connection:
        for table, column in connection.execute(
            "select table_schema || '.' || table_name, column_name from information_schema.columns"
            " order by table_schema, table_name, ordinal_position"
        ).fetchall():
            found.setdefault(table, []).append(column)
    return found


def complete(manifest: dict[str, Any], columns: Columns, project_dir: Path) -> None:
    """Add to dbt's manifest what is described elsewhere, owners, and tags of personal data."""
    blocks = {
        block["name"]: block["block_contents"]
        for block in manifest["docs"].values()
        if block["package_name"] == manifest["metadata"]["project_name"]
    }
    describe_macros_and_tests(manifest, project_dir)
    for table in _tables(manifest):
        described = [table, *_relatives(manifest, table)]
        for name in columns.get(_name(table), []):
            column = table["columns"].setdefault(name, {"name": name, "description": ""})
            column["description"] = next(
                filter(None, (_description(one, name) for one in described)), ""
            ) or blocks.get(name, "")
        _add_owner(manifest, table)
        _tag_personal(table)


def describe_macros_and_tests(manifest: dict[str, Any], project_dir: Path) -> None:
    """Add to dbt's manifest what stands at the head of our macros and tests.

    A generic test means what its macro does; of dbt's own tests the names say it.
    """
    for macro in _own_macros(manifest):
        text = (project_dir / macro["original_file_path"]).read_text(encoding="utf-8")
        head = _HEAD.match(text)
        macro["description"] = macro["description"] or (_one_line(head[1]) if head else "")
    for test in _singular_tests(manifest):
        head = _HEAD_OF_TEST.search(test["raw_code"])
        comment = head[0].replace("-- ", "") if head else ""
        test["description"] = test["description"] or _one_line(comment)
    project = manifest["metadata"]["project_name"]
    for test in manifest["nodes"].values():
        if test["resource_type"] == "test" and test.get("test_metadata"):
            macro = manifest["macros"].get(f"macro.{project}.test_{test['test_metadata']['name']}")
            test["description"] = test["description"] or (macro["description"] if macro else "")


def undescribed(manifest: Mapping[str, Any], columns: Columns) -> list[str]:
    """What a completed manifest says nothing about, by name: tables of a layer, their columns in
    the warehouse, macros, tests, exposures, metrics, semantic models; tables without an owner."""
    named = [
        *_own_macros(manifest),
        *_singular_tests(manifest),
        *_tables(manifest),
        *(
            one
            for kind in ("exposures", "metrics", "semantic_models")
            for one in manifest[kind].values()
        ),
    ]
    missing = [f"{one['resource_type']} {one['name']}" for one in named if not one["description"]]
    known = {_name(table): table for table in _tables(manifest)}
    layers = {name.partition(".")[0] for name in known}
    missing += [
        f"table {name}"
        for name in columns
        if name.partition(".")[0] in layers and name not in known
    ]
    for table in known.values():
        if not table["meta"].get("owner"):
            missing.append(f"owner of {_name(table)}")
        names = {*columns.get(_name(table), []), *table["columns"]}
        missing += [
            f"{_name(table)}.{one}" for one in sorted(names) if not _description(table, one)
        ]
    return missing


def add_lineage(manifest: dict[str, Any], columns: Columns) -> None:
    """Say at each column of a compiled model which columns of its parents its values come from.

    By sqlglot, from the SQL: what a column is computed of, not what rows are joined or filtered by.
    """
    for node in _tables(manifest):
        if node["resource_type"] == "model" and not node["name"].startswith(_WITHOUT_LINEAGE):
            for name, parents in lineage(node, columns).items():
                if parents and (column := node["columns"].get(name)):
                    column["description"] += f"\n\nFrom: {', '.join(parents)}."


def lineage(node: Mapping[str, Any], columns: Columns) -> dict[str, list[str]]:
    """Column of a compiled model → the columns of its parents it is computed of, by name."""
    from sqlglot import exp, parse_one
    from sqlglot.lineage import lineage as trace
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    # sqlglot wants types; their names make no difference to lineage.
    schema: dict[str, dict[str, dict[str, dict[str, str]]]] = {node["database"]: {}}
    for table, names in columns.items():
        folder, _, name = table.partition(".")
        schema[node["database"]].setdefault(folder, {})[name] = dict.fromkeys(names, "text")
    query = qualify(
        parse_one(node["compiled_code"], dialect="duckdb"), schema=schema, dialect="duckdb"
    )
    scope = build_scope(query)
    found = {}
    for name in columns.get(_name(node), []):
        steps = trace(name, query, schema=schema, dialect="duckdb", scope=scope).walk()
        read = {
            (step.source.db, step.source.name, parse_one(step.name, dialect="duckdb").name)
            for step in steps
            if isinstance(step.source, exp.Table)
        }
        found[name] = sorted(".".join(parts) for parts in read)
    return found


def _dbt(settings: Settings, args: list[str]) -> None:
    run = invoke(settings, args)
    if not run.succeeded:
        raise ConfigurationError(f"dbt {args[0]} failed: {run.reasons()}")


def _tables(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for one in [*manifest["nodes"].values(), *manifest["sources"].values()]:
        if one["resource_type"] in _TABLES:
            yield one


def _own_macros(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Macros of the project; of one that engines have their own of, the one that is called."""
    for macro in manifest["macros"].values():
        if macro["package_name"] == manifest["metadata"]["project_name"]:
            yield macro


def _singular_tests(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for node in manifest["nodes"].values():
        if node["resource_type"] == "test" and "test_metadata" not in node:
            yield node


def _name(table: Mapping[str, Any]) -> str:
    return f"{table['schema']}.{table.get('alias') or table['identifier']}"


def _description(table: Mapping[str, Any], column: str) -> str:
    return table["columns"].get(column, {}).get("description", "")


def _relatives(manifest: Mapping[str, Any], table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Tables whose columns of the same name mean the same: for the rows of a feed its entity and
    its contract, for a snapshot what it is of."""
    project = manifest["metadata"]["project_name"]
    relatives = [
        manifest["nodes"][parent]
        for parent in table.get("depends_on", {}).get("nodes", [])
        if table["resource_type"] == "snapshot"
    ]
    for source in manifest["sources"].values():
        feed = source["name"]
        if "contract" in source["meta"] and table["name"] in (
            f"stg_{feed}",
            f"{feed}_versions",
            f"{feed}_history",
        ):
            relatives += [manifest["nodes"][f"model.{project}.{feed}"], source]
    return relatives


def _add_owner(manifest: Mapping[str, Any], table: dict[str, Any]) -> None:
    group = table["config"].get("group") or "platform"
    found = manifest["groups"].get(f"group.{manifest['metadata']['project_name']}.{group}")
    if found:
        table["meta"] = {**table["meta"], "owner": found["owner"]["name"]}


def _tag_personal(table: dict[str, Any]) -> None:
    personal = [one for one in table["columns"].values() if one.get("meta", {}).get("pii")]
    for column in personal:
        column["tags"] = sorted({*column.get("tags", []), "pii"})
        column["description"] = f"**Personal data.** {column['description']}"
    if personal:
        table["tags"] = sorted({*table.get("tags", []), "pii"})


def _one_line(text: str) -> str:
    return " ".join(text.split())
