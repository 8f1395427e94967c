"""The tables that a file's records go into.

Belongs here: their layout, which delivered name is which column, the scratch files through which
records that Python has judged reach DuckDB in bulk. Does not: judging records (`csv_records.py`,
`json_records.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TextIO

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract
from orchestration.loader.refusal import Refused

# The longest record (characters) that is read. What never ends must not fill the memory.
MAX_RECORD = 64 << 20


@dataclass(frozen=True)
class Delivered:
    """The names a file delivered: column of the contract → its spellings, and the unknown ones."""

    columns: dict[str, list[str]]
    extra: list[str]

    def drift(self, contract: Contract) -> dict[str, list[str]] | None:
        """Extra and missing columns against the contract; None without.

        Raises Refused `missing_columns` when a required one is missing.
        """
        missing = [column for column in contract.columns if column.name not in self.columns]
        if required := [column.name for column in missing if column.required]:
            raise Refused(
                "missing_columns",
                f"required but not delivered: {', '.join(required)}; "
                f"delivered are {shortened(', '.join([*self.columns, *self.extra]))}.",
            )
        if not missing and not self.extra:
            return None
        return {"extra": self.extra, "missing": [column.name for column in missing]}


def delivered_names(contract: Contract, names: Iterable[str]) -> Delivered:
    """Sort delivered names (spellings may repeat) into columns of the contract and unknown ones."""
    columns: dict[str, list[str]] = {}
    extra: dict[str, str] = {}
    for name in names:
        if (column := contract.column_for(name)) is None:
            extra.setdefault(name.strip().lower(), name.strip())
        else:
            columns.setdefault(column, []).append(name)
    return Delivered(columns, list(extra.values()))


def duplicate(contract: Contract, names: Sequence[str]) -> tuple[str, str] | None:
    """The first two of one record's names that name one column, or None."""
    seen: dict[str, str] = {}
    for name in names:
        column = contract.column_for(name) or name.strip().lower()
        if column in seen:
            return seen[column], name
        seen[column] = name
    return None


class ScratchRecords:
    """Records on their way to DuckDB: a CSV file of its own making.

    A value given to `add` is quoted, None is a bare empty field. `longest` is the size of the
    longest record, bytes: DuckDB must be told.
    """

    def __init__(self, path: Path, delimiter: str = ",", quote: str = '"') -> None:
        self.path = path
        self.delimiter = delimiter
        self.quote = quote
        self.longest = 0
        self.count = 0
        self._file: TextIO = path.open("w", encoding="utf-8", newline="")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._file.close()
        finally:
            self.path.unlink()

    def add(self, *values: str | int | None) -> None:
        quote = self.quote
        self.add_line(
            self.delimiter.join(
                "" if value is None else quote + str(value).replace(quote, quote * 2) + quote
                for value in values
            )
        )

    def add_line(self, line: str) -> None:
        """Add a record that is already written in this dialect."""
        self._file.write(line)
        self._file.write("\n")
        # UTF-8 takes up to four bytes for a character.
        self.longest = max(self.longest, 4 * len(line))
        self.count += 1

    def source(self, columns: dict[str, str], null_words: Sequence[str] = ("",)) -> str:
        """The FROM item that reads back what was added; `columns`: name → type."""
        self._file.flush()
        return read_csv(
            self.path,
            self.delimiter,
            self.quote,
            columns,
            longest=self.longest,
            header=False,
            null_words=null_words,
        )


def read_csv(
    path: Path,
    delimiter: str,
    quote: str,
    columns: dict[str, str],
    longest: int = 0,
    header: bool = True,
    null_words: Sequence[str] = ("",),
    line_end: str | None = r"\n",
) -> str:
    """A FROM item that reads CSV with a pinned dialect: nothing is sniffed, a bad line raises.

    Quoted null words are text. `line_end` None is whatever the first line ends with. One thread:
    `row_number() over ()` needs the order of the file anyway, and only one thread tells a line
    break inside quotes from a line end with certainty. `longest` record in bytes.
    """
    options = {
        "auto_detect": "false",
        "header": str(header).lower(),
        "delim": literal(delimiter),
        "quote": literal(quote),
        "escape": literal(quote),
        "strict_mode": "true",
        "parallel": "false",
        "null_padding": "false",
        "nullstr": f"[{', '.join(literal(word) for word in null_words)}]",
        "allow_quoted_nulls": "false",
        "max_line_size": str(max(longest + 1024, 2 << 20)),
        "columns": "{" + ", ".join(f"{literal(n)}: '{t}'" for n, t in columns.items()) + "}",
    }
    if line_end is not None:
        options["new_line"] = literal(line_end)
    return f"read_csv({literal(path)}, {', '.join(f'{k} = {v}' for k, v in options.items())})"


def create_staged(
    connection: DuckDBPyConnection,
    table: str,
    contract: Contract,
    expressions: dict[str, str],
    rescued: str | None,
    row_number: str,
    source: str,
) -> None:
    """Make the table of rows: the contract's columns, `_rescued`, `_op`, `_row_number`.

    `expressions`: column → SQL over `source`; a column without one is null.
    """
    listed = {name: expressions.get(name) for name in contract.column_names}
    listed |= {"_rescued": rescued, "_op": expressions.get("_op")}
    selected = [f"({sql or 'null'})::varchar as {identifier(n)}" for n, sql in listed.items()]
    connection.execute(
        f"create or replace table {identifier(table)} as"
        f" select {', '.join(selected)}, ({row_number})::bigint as _row_number from {source}"
    )


def create_rejected(
    connection: DuckDBPyConnection, table: str, rejected: ScratchRecords | None = None
) -> None:
    """Make the table of rejected lines, empty without `rejected`."""
    layout = {"line_number": "bigint", "raw": "varchar", "error": "varchar"}
    columns = ", ".join(f"{name} {kind}" for name, kind in layout.items())
    connection.execute(f"create or replace table {identifier(table)} ({columns})")
    if rejected is not None and rejected.count:
        connection.execute(f"insert into {identifier(table)} from {rejected.source(layout)}")


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | Path) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def shortened(text: str, length: int = 200) -> str:
    """`text`, at most `length` characters of it: messages stay readable."""
    return text if len(text) <= length else text[: length - 1] + "…"
