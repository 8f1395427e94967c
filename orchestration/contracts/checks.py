"""What no contract may say.

Belongs here: refusing one that is wrong, with the line and what to write instead. Does not: reading
it (`reading.py`), rules of options with options of their own (`options.py`).
"""

import re
from collections.abc import Callable
from typing import Any

from orchestration.contracts.model import LOADER_COLUMNS, Column, Contract, feed_names
from orchestration.contracts.names import (
    OWN_BESIDE_KEYS,
    OWN_COLUMNS,
    OWN_TABLES,
    SQL_WORDS,
    made_columns,
)
from orchestration.contracts.options import check_mask
from orchestration.settings import ConfigurationError

_COLUMN_TYPES = {"text", "integer", "boolean", "date", "instant", "json"}
_MASKS = {"drop", "email", "phone", "year", "redact"}
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


def check_feed_name(refuse: Refuse, feed: str) -> None:
    if not _IDENTIFIER.match(feed) or feed == "trigger":
        raise refuse("a feed's name must be lower-case letters, digits and _, and not 'trigger'.")
    if feed in OWN_TABLES:
        raise refuse(
            "the platform has a table of that name for itself; give the feed another name and list"
            f" {feed!r} among its aliases."
        )


def check_options(refuse: Refuse, options: dict[str, Any]) -> None:
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


def check_roles(refuse: Refuse, contract: Contract) -> None:
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


def check_column(refuse: Refuse, name: str, meta: dict[str, Any]) -> None:
    """Refuse what a column says of itself (`config.meta`)."""
    if not _IDENTIFIER.match(name):
        raise refuse("a name must be lower-case letters, digits and _.")
    known = set(Column.__dataclass_fields__) - {"name"}
    if unknown := set(meta) - known:
        option = min(map(str, unknown))
        raise refuse(f"unknown option {option!r}; known are {', '.join(sorted(known))}.", option)
    for option in ("type", "mask", "references", "lookup"):
        if not isinstance(meta.get(option, ""), str):
            raise refuse(f"{option} is {meta[option]!r}; it must be a text.", option)
    if not _is_type(meta.get("type")):
        raise refuse(
            f"unknown type {meta.get('type')!r}; known are "
            f"{', '.join(sorted(_COLUMN_TYPES))} and decimal(p,s) with s <= p <= 38.",
            "type",
        )
    for option in ("required", "pii", "same_person"):
        if not isinstance(meta.get(option, False), bool):
            raise refuse(f"{option} must be true or false.", option)
    if "mask" in meta and meta["mask"] not in _MASKS:
        raise refuse(
            f"unknown mask {meta['mask']!r}; known are {', '.join(sorted(_MASKS))}.", "mask"
        )
    if meta.get("pii", False) != ("mask" in meta):
        raise refuse(
            "pii and mask go together; a personal column needs both.",
            "mask" if "mask" in meta else "pii",
        )
    if "mask" in meta:
        try:
            check_mask(meta["mask"], meta["type"])
        except ValueError as error:
            raise refuse(str(error), "mask") from None


def check_headers(refuse: Refuse, columns: tuple[Column, ...]) -> None:
    seen: set[str] = set(LOADER_COLUMNS)
    for column in columns:
        for name in (column.name, *column.aliases):
            header = name.strip().lower()
            if header in seen:
                raise refuse(
                    f"two columns are named {name!r} (aliases count).", "columns", column.name
                )
            seen.add(header)


def check_names(refuse: Refuse, contract: Contract) -> None:
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


def check_feed_is_new(refuse: Refuse, contract: Contract, others: dict[str, Contract]) -> None:
    """Refuse a feed of which another, or the triggers of batches, have a name."""
    taken = feed_names(others)
    for name in (contract.feed, *contract.aliases):
        if name.lower() == "trigger":
            raise refuse(f"files named {name!r} are triggers, of no feed.", "aliases")
        if other := taken.get(name.lower()):
            raise refuse(
                f"the name {name!r} is taken by feed {other.feed!r}; names and aliases of feeds"
                " must differ.",
                *["aliases"] * (name != contract.feed),
            )


def check_references(contracts: dict[str, Contract], refuse_for: Callable[[str], Refuse]) -> None:
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
            raise refuse_for(contract.feed)(
                f"column {column.name!r} references {column.references!r}, {problem}",
                "columns",
                column.name,
                "references",
            )


def _is_type(value: Any) -> bool:
    if value in _COLUMN_TYPES:
        return True
    match = _DECIMAL.match(value) if isinstance(value, str) else None
    return bool(match) and int(match[2]) <= int(match[1]) <= 38 and int(match[1]) > 0


def _is_ratio(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
