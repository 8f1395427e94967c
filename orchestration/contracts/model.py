"""A contract as the rest of the platform knows it.

Belongs here: what a contract holds and how a name in a file leads to it. Does not: how it is
written (`reading.py`), what is wrong with one (`checks.py`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from orchestration.contracts.options import Expected

_READ_AS = ("delimiter", "quote", "encoding", "extract")
LOADER_COLUMNS = ("_rescued", "_op", "_file_id", "_row_number", "_batch_date")


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

    @property
    def read_as(self) -> str:
        """How its files are read (JSON), for those that matter again once this has changed."""
        return json.dumps({name: getattr(self, name) for name in _READ_AS})

    def reading_as(self, read_as: str | None) -> Self:
        """The contract for a file that was read as `read_as` says; None is as today."""
        return self if read_as is None else replace(self, **json.loads(read_as))

    def _headers(self) -> dict[str, str]:
        names = {"_op": "_op"}
        for column in self.columns:
            for name in (column.name, *column.aliases):
                names[name.strip().lower()] = column.name
        return names


def feed_names(contracts: dict[str, Contract]) -> dict[str, Contract]:
    """Every name a file may give a feed (its own and its aliases, lower case) → its contract."""
    return {
        name.lower(): contract
        for contract in contracts.values()
        for name in (contract.feed, *contract.aliases)
    }
