"""Contracts out of the dbt sources file.

Belongs here: the way through the YAML to each contract. Does not: what a contract may say
(`checks.py`), reading files by a contract (`loader/`), typing (`macros/`).
"""

from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import yaml

from orchestration.contracts.checks import (
    ContractError,
    Refuse,
    check_column,
    check_feed_is_new,
    check_feed_name,
    check_headers,
    check_names,
    check_options,
    check_references,
    check_roles,
)
from orchestration.contracts.model import Column, Contract
from orchestration.contracts.options import check_breaker, read_expected
from orchestration.yaml_lines import line_of

# Written in C where PyYAML brings it: ten times as fast.
_YamlLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_contracts(path: Path) -> dict[str, Contract]:
    """Feed name → contract, for every source table in `path` that has `config.meta.contract`.

    Raises ContractError when the file or a contract in it is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ContractError(f"{path} is missing; it holds the contracts of all feeds.") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ContractError(f"{path} is not UTF-8 (line {line}); save it as UTF-8.") from None
    return dict(_contracts(path, text))


@lru_cache(maxsize=1)
def _contracts(path: Path, text: str) -> dict[str, Contract]:
    try:
        document = yaml.load(text, _YamlLoader)
    except yaml.YAMLError as error:
        raise ContractError(f"{path} is no valid YAML: {error}") from None

    contracts: dict[str, Contract] = {}
    for table in _tables(document, path):
        options = _options(path, table)
        if options is not None:
            contract = _contract(path, table, options)
            check_feed_is_new(_refuser(path, contract.feed), contract, contracts)
            contracts[contract.feed] = contract
    if not contracts:
        raise ContractError(f"{path}: no source table has config.meta.contract; no feed is known.")
    check_references(contracts, partial(_refuser, path))
    return contracts


def _tables(document: Any, path: Path) -> list[dict[str, Any]]:
    """All source tables of a dbt YAML file."""
    try:
        sources = (document or {}).get("sources") or []
        tables = [table for source in sources for table in source.get("tables") or []]
        for table in tables:
            table.get("name")
    except (AttributeError, TypeError):
        raise ContractError(
            f"{path}: not in the form of dbt's sources: a list of sources, each with a list of"
            " tables; models/bronze of a fresh clone is an example."
        ) from None
    return tables


def _refuser(path: Path, feed: str) -> Refuse:
    def refuse(problem: str, *names: str) -> ContractError:
        line = line_of(path, feed, *names)
        place = f" (line {line})" if line else ""
        return ContractError(f"{path}: feed {feed!r}: {problem}{place}")

    return refuse


def _options(path: Path, table: dict[str, Any]) -> Any:
    """What a table has as config.meta.contract; None when it is no feed's."""
    found: Any = table
    for name in ("config", "meta"):
        found = found.get(name) or {}
        if not isinstance(found, dict):
            raise _refuser(path, str(table.get("name")))(f"{name} must be a mapping.", name)
    return found.get("contract")


def _contract(path: Path, table: dict[str, Any], options: Any) -> Contract:
    feed = str(table.get("name"))
    refuse = _refuser(path, feed)
    check_feed_name(refuse, feed)
    if not isinstance(options, dict):
        raise refuse("config.meta.contract must be a mapping.", "contract")
    check_options(refuse, options)
    expected = None
    try:
        if options.get("expected") is not None:
            expected = read_expected(options["expected"])
        if options.get("breaker") is not None:
            check_breaker(options["breaker"])
    except ValueError as error:
        raise refuse(str(error), *str(error).split()[0].split(".")) from None
    listed = table.get("columns") or []
    if not isinstance(listed, list) or not all(isinstance(column, dict) for column in listed):
        raise refuse("columns must be a list of mappings.", "columns")
    columns = tuple(_column(refuse, column) for column in listed)
    check_headers(refuse, columns)
    contract = Contract(
        **{
            **options,
            "feed": feed,
            "description": str(table.get("description") or ""),
            "columns": columns,
            "key": _names(refuse, "key", options["key"]),
            "aliases": _names(refuse, "aliases", options.get("aliases", [])),
            "expected": expected,
        }
    )
    check_roles(refuse, contract)
    check_names(refuse, contract)
    return contract


def _column(refuse: Refuse, column: dict[str, Any]) -> Column:
    name = str(column.get("name"))

    def refuse_column(problem: str, *names: str) -> ContractError:
        return refuse(f"column {name!r}: {problem}", "columns", name, *names)

    config = column.get("config") or {}
    meta = config.get("meta") if isinstance(config, dict) else None
    if not isinstance(meta, dict):
        raise refuse_column("it needs config.meta with its type.")
    check_column(refuse_column, name, meta)
    aliases = _names(refuse_column, "aliases", meta.get("aliases", []))
    return Column(name=name, **{**meta, "aliases": aliases})


def _names(refuse: Refuse, option: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise refuse(f"{option} must be a list of names.", option)
    return tuple(value)
