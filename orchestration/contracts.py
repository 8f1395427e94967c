"""The contracts of the feeds, read from the dbt sources file.

Belongs here: what a contract may say, and refusing one that is wrong before anything runs.
Does not: reading files by a contract (`loader/`), typing (`macros/`).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import yaml

from orchestration.contract_options import (
    OWN_BESIDE_KEYS,
    OWN_COLUMNS,
    OWN_TABLES,
    SQL_WORDS,
    Expected,
    check_breaker,
    check_mask,
    made_columns,
    read_expected,
)
from orchestration.settings import ConfigurationError
from orchestration.yaml_lines import line_of

COLUMN_TYPES = {"text", "integer", "boolean", "date", "instant", "json"}
MASKS = {"drop", "email", "phone", "year", "redact"}
LOADER_COLUMNS = ("_rescued", "_op", "_file_id", "_row_number", "_batch_date")

# Written in C where PyYAML brings it: ten times as fast.
_YamlLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*\Z")
_DECIMAL = re.compile(r"decimal\((\d{1,2}),(\d{1,2})\)\Z")
_CHOICES = {
    "format": ("csv", "json", "ndjson"),
    "final_newline": ("optional", "required"),
    "extract": ("delta", "full"),
    "duplicate_key_policy": ("keep_newest", "discard_file"),
    "unknown_status_policy": ("quarantine", "discard_file"),
}


class ContractError(ConfigurationError):
    """A contract is wrong; the message gives file, feed, column and what to do."""


# Makes the error of a problem; what follows it leads to the line (`line_of`).
Refuse = Callable[..., ContractError]


@dataclass(frozen=True)
class Column:
    """One column of a feed; `type` is its type in silver, bronze holds text."""

    name: str
    type: str
    required: bool = False
    references: str | None = None
    lookup: str | None = None
    aliases: tuple[str, ...] = ()
    pii: bool = False
    mask: str | None = None
    same_person: bool = False


@dataclass(frozen=True)
class Contract:
    """What one feed delivers and how its files are read. Ratios are shares from 0 to 1."""

    feed: str
    description: str
    columns: tuple[Column, ...]
    format: str
    key: tuple[str, ...]
    sequence: str | None = None
    aliases: tuple[str, ...] = ()
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    final_newline: str = "optional"
    max_rejected_ratio: float = 0.5
    extract: str = "delta"
    max_deleted_ratio: float = 0.2
    duplicate_key_policy: str = "keep_newest"
    unknown_status_policy: str = "quarantine"
    expected: Expected | None = None
    breaker: Mapping[str, float] | bool | None = None

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column_for(self, header: str) -> str | None:
        """The column a header names (trimmed, any case, or by alias); None when unknown.

        `_op` is a column of every feed.
        """
        return self._headers().get(header.strip().lower())

    def _headers(self) -> dict[str, str]:
        names = {"_op": "_op"}
        for column in self.columns:
            for name in (column.name, *column.aliases):
                names[name.lower()] = column.name
        return names


def load_contracts(path: Path) -> dict[str, Contract]:
    """Feed name → contract, for every source table in `path` that has `config.meta.contract`.

    Raises ContractError when the file or a contract in it is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ContractError(f"{path} is missing; it holds the contracts of all feeds.") from None
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
            _add(contracts, _contract(path, table, options), path)
    if not contracts:
        raise ContractError(f"{path}: no source table has config.meta.contract; no feed is known.")
    _check_references(contracts, path)
    return contracts


def feed_names(contracts: dict[str, Contract]) -> dict[str, Contract]:
    """Every name a file may give a feed (its own and its aliases, lower case) → its contract."""
    return {
        name.lower(): contract
        for contract in contracts.values()
        for name in (contract.feed, *contract.aliases)
    }


def _add(contracts: dict[str, Contract], contract: Contract, path: Path) -> None:
    for other in contracts.values():
        names = {name.lower() for name in (other.feed, *other.aliases)}
        for name in (contract.feed, *contract.aliases):
            if name.lower() in names:
                raise ContractError(
                    f"{path}: feed {contract.feed!r}: the name {name!r} is taken by feed "
                    f"{other.feed!r}; names and aliases of feeds must differ."
                )
    contracts[contract.feed] = contract


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


def _refusal(path: Path, feed: str, problem: str, *names: str) -> ContractError:
    line = line_of(path, feed, *names)
    place = f" (line {line})" if line else ""
    return ContractError(f"{path}: feed {feed!r}: {problem}{place}")


def _options(path: Path, table: dict[str, Any]) -> Any:
    """What a table has as config.meta.contract; None when it is no feed's."""
    found: Any = table
    for name in ("config", "meta"):
        found = found.get(name) or {}
        if not isinstance(found, dict):
            raise _refusal(path, str(table.get("name")), f"{name} must be a mapping.", name)
    return found.get("contract")


def _contract(path: Path, table: dict[str, Any], options: Any) -> Contract:
    feed = str(table.get("name"))
    refuse = partial(_refusal, path, feed)

    if not _IDENTIFIER.match(feed) or feed == "trigger":
        raise refuse("a feed's name must be lower-case letters, digits and _, and not 'trigger'.")
    if feed in OWN_TABLES:
        raise refuse(
            "the platform has a table of that name for itself; give the feed another name and list"
            f" {feed!r} among its aliases."
        )
    if not isinstance(options, dict):
        raise refuse("config.meta.contract must be a mapping.", "contract")
    _check_options(refuse, options)
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
    _check_headers(refuse, columns)
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
    _check_roles(refuse, contract)
    _check_names(refuse, contract)
    return contract


def _check_options(refuse: Refuse, options: dict[str, Any]) -> None:
    """Refuse options that no contract may have, whatever its columns."""
    known = set(Contract.__dataclass_fields__) - {"feed", "description", "columns"}
    if unknown := set(options) - known:
        name = min(map(str, unknown))
        raise refuse(f"unknown option {name!r}; known are {', '.join(sorted(known))}.", name)
    if "format" not in options or "key" not in options:
        raise refuse("a contract needs format and key.", "contract")
    for option, choices in _CHOICES.items():
        if option in options and options[option] not in choices:
            raise refuse(
                f"{option} is {options[option]!r}; it must be one of {', '.join(choices)}.", option
            )
    if not isinstance(options.get("sequence") or "", str):
        raise refuse(
            f"sequence is {options['sequence']!r}; it must be the name of one column.", "sequence"
        )
    for option in ("max_rejected_ratio", "max_deleted_ratio"):
        if option in options and not _is_ratio(options[option]):
            raise refuse(
                f"{option} is {options[option]!r}; it must be a number from 0 to 1.", option
            )
    for option in ("delimiter", "quote"):
        value = options.get(option, ",")
        if not isinstance(value, str) or len(value) != 1 or not value.isascii() or value in "\r\n":
            raise refuse(
                f"{option} is {value!r}; it must be one ASCII character of a line.", option
            )
    if options.get("delimiter", ",") == options.get("quote", '"'):
        given = "delimiter" if "delimiter" in options else "quote"
        raise refuse("delimiter and quote are the same character.", given)
    try:
        "".encode(options.get("encoding", "utf-8"))
    except (LookupError, TypeError):
        raise refuse(f"encoding {options['encoding']!r} is not known.", "encoding") from None


def _check_roles(refuse: Refuse, contract: Contract) -> None:
    """Refuse a key, sequence, policy or mask that the columns cannot bear."""
    columns = {column.name: column for column in contract.columns}
    if not contract.key:
        raise refuse("key is empty.", "key")
    for name in contract.key:
        if name not in columns:
            raise refuse(f"key column {name!r} is not among its columns.", "key")
        if not columns[name].required:
            raise refuse(f"key column {name!r} must be required.", "columns", name)
    sequence = contract.sequence
    if sequence is not None:
        if sequence not in columns:
            raise refuse(f"sequence column {sequence!r} is not among its columns.", "sequence")
        if columns[sequence].type != "instant":
            raise refuse(
                f"sequence column {sequence!r} must have the type instant.",
                "columns",
                sequence,
                "type",
            )
    if contract.unknown_status_policy == "discard_file" and not any(
        column.lookup for column in contract.columns
    ):
        raise refuse("unknown_status_policy needs a column with a lookup.", "unknown_status_policy")
    for name, column in columns.items():
        must_stay = name in contract.key or name == sequence or column.references or column.lookup
        if column.mask and must_stay:
            raise refuse(
                f"column {name!r}: mask {column.mask} would hide what rows are told apart, ordered,"
                " joined or looked up by; a column of the key, the sequence, and one with"
                " references or lookup has no mask.",
                "columns",
                name,
                "mask",
            )


def _column(refuse: Refuse, column: dict[str, Any]) -> Column:
    name = str(column.get("name"))

    def refuse_column(problem: str, *names: str) -> ContractError:
        return refuse(f"column {name!r}: {problem}", "columns", name, *names)

    if not _IDENTIFIER.match(name):
        raise refuse_column("a name must be lower-case letters, digits and _.")
    config = column.get("config") or {}
    meta = config.get("meta") if isinstance(config, dict) else None
    if not isinstance(meta, dict):
        raise refuse_column("it needs config.meta with its type.")
    known = set(Column.__dataclass_fields__) - {"name"}
    if unknown := set(meta) - known:
        option = min(map(str, unknown))
        raise refuse_column(
            f"unknown option {option!r}; known are {', '.join(sorted(known))}.", option
        )
    for option in ("type", "mask", "references", "lookup"):
        if not isinstance(meta.get(option, ""), str):
            raise refuse_column(f"{option} is {meta[option]!r}; it must be a text.", option)
    if not _is_type(meta.get("type")):
        raise refuse_column(
            f"unknown type {meta.get('type')!r}; known are "
            f"{', '.join(sorted(COLUMN_TYPES))} and decimal(p,s) with s <= p <= 38.",
            "type",
        )
    for option in ("required", "pii", "same_person"):
        if not isinstance(meta.get(option, False), bool):
            raise refuse_column(f"{option} must be true or false.", option)
    if "mask" in meta and meta["mask"] not in MASKS:
        raise refuse_column(
            f"unknown mask {meta['mask']!r}; known are {', '.join(sorted(MASKS))}.", "mask"
        )
    if meta.get("pii", False) != ("mask" in meta):
        raise refuse_column(
            "pii and mask go together; a personal column needs both.",
            "mask" if "mask" in meta else "pii",
        )
    if "mask" in meta:
        try:
            check_mask(meta["mask"], meta["type"])
        except ValueError as error:
            raise refuse_column(str(error), "mask") from None
    aliases = _names(refuse_column, "aliases", meta.get("aliases", []))
    return Column(name=name, **{**meta, "aliases": aliases})


def _names(refuse: Refuse, option: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise refuse(f"{option} must be a list of names.", option)
    return tuple(value)


def _check_headers(refuse: Refuse, columns: tuple[Column, ...]) -> None:
    seen: set[str] = set(LOADER_COLUMNS)
    for column in columns:
        for name in (column.name, *column.aliases):
            if name.lower() in seen:
                raise refuse(
                    f"two columns are named {name!r} (aliases count).", "columns", column.name
                )
            seen.add(name.lower())


def _check_names(refuse: Refuse, contract: Contract) -> None:
    """Refuse names of columns that would break or change what the macros make of them."""
    taken = dict.fromkeys(SQL_WORDS, "its name is a word of SQL")
    taken |= dict.fromkeys(OWN_COLUMNS, "the platform has a column of that name for itself")
    for column in contract.columns:
        for made in made_columns(column.name, column.type, column.mask):
            if made in taken:
                raise refuse(
                    f"column {column.name!r}: the platform makes a column {made!r} of it, which it"
                    " has already; give this column another name and list"
                    f" {column.name!r} among its aliases.",
                    "columns",
                    column.name,
                )
            taken[made] = f"the platform makes a column of that name of {column.name!r}"
    for column in contract.columns:
        why = taken.get(column.name)
        if column.name in contract.key and column.name in OWN_BESIDE_KEYS:
            why = "the platform has a column of that name beside each key"
        if why:
            raise refuse(
                f"column {column.name!r}: {why}; give it another name and list"
                f" {column.name!r} among its aliases.",
                "columns",
                column.name,
            )


def _check_references(contracts: dict[str, Contract], path: Path) -> None:
    for contract in contracts.values():
        for column in contract.columns:
            if column.references is None:
                continue
            parent = contracts.get(column.references)
            if parent is None:
                problem = "which is no feed."
            elif len(parent.key) > 1:
                problem = (
                    f"whose key is {', '.join(parent.key)}; only a feed with a key of one column"
                    " can be referenced, so leave references out."
                )
            else:
                continue
            raise _refusal(
                path,
                contract.feed,
                f"column {column.name!r} references {column.references!r}, {problem}",
                "columns",
                column.name,
                "references",
            )


def _is_type(value: Any) -> bool:
    if value in COLUMN_TYPES:
        return True
    match = _DECIMAL.match(value) if isinstance(value, str) else None
    return bool(match) and int(match[2]) <= int(match[1]) <= 38 and int(match[1]) > 0


def _is_ratio(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
