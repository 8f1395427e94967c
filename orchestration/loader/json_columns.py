"""From raw JSON objects to columns.

Belongs here: the SQL that takes a contract's columns out of objects, each value as the text that
was delivered. Does not: finding the objects (`json_records.py`).
"""

import json

from duckdb import DuckDBPyConnection

from orchestration.contracts import Contract
from orchestration.loader.refusal import Refused
from orchestration.loader.staged import (
    create_staged,
    delivered_names,
    duplicate,
    identifier,
    literal,
)

# Numbers that DuckDB, reading them as doubles, would write otherwise than they were delivered.
# May also hit inside a text, which costs time only.
NUMBERS_WRITTEN_OTHERWISE = (
    r"[:\[,]\s*(?:-0\s*[,}\]]|-?(?:\d+\.\d+0\s*[,}\]]|0\.0000|[\d.]{16}|[\d.]+[eE]))"
)
# Marks a number that is carried through as text. From Unicode's private use area; an object that
# holds it goes without, and its numbers are exact to 15 digits.
_MARK = "\ue000"
_HOLDS_MARK = r"\x{e000}|\\u[eE]000"
_NUMBER_BEHIND_TEXTS = r'((?:"(?:[^"\\]|\\.)*"|[^"0-9-])*)(-?[0-9][0-9.eE+-]*)'


def extract_columns(
    connection: DuckDBPyConnection, contract: Contract, raw_table: str, table: str
) -> dict[str, list[str]] | None:
    """Make the table `table` of `raw_table` (raw, n, is_suspect); return the drift.

    `is_suspect` may be false only where no number is among NUMBERS_WRITTEN_OTHERWISE. Raises
    Refused (`duplicate_columns`, `missing_columns`).
    """
    spellings, has_records, otherwise = _keys(connection, contract, raw_table)
    delivered = delivered_names(contract, spellings)
    drift = delivered.drift(contract) if has_records else None

    known = [name for names in delivered.columns.values() for name in names]
    place = {name: index for index, name in enumerate(known, start=1)}
    paths = ", ".join(literal(_pointer(name)) for name in known)
    is_marked, raw, text = "false", "raw", str
    if otherwise:
        is_marked = (
            f"case when is_suspect then regexp_matches(raw, '{NUMBERS_WRITTEN_OTHERWISE}')"
            f" and not regexp_matches(raw, '{_HOLDS_MARK}') else false end"
        )
        raw = f"case when is_marked then {_numbers_marked('raw')} else raw end"
        text = _numbers_unmarked
    source = (
        f"(select *, json_extract_string(raw, [{paths}]::varchar[]) as found"
        f" from (select * replace ({raw} as raw)"
        f" from (select n, raw, {is_marked} as is_marked from {identifier(raw_table)})))"
    )
    expressions = {}
    json_columns = {column.name for column in contract.columns if column.type == "json"}
    for column, names in delivered.columns.items():
        values = [f"found[{place[name]}]" for name in names]
        if column in json_columns:
            values = [_json_text(*pair) for pair in zip(values, names, strict=True)]
        value = text(values[0] if len(names) == 1 else f"coalesce({', '.join(values)})")
        expressions[column] = f"nullif({value}, '')"
    rescued = None
    if delivered.extra:
        without = literal(json.dumps(dict.fromkeys(known)))
        rest = f"json_merge_patch(raw, {without})::varchar"
        rescued = f"nullif({text(rest)}, '{{}}')"
    create_staged(connection, table, contract, expressions, rescued, "n", source)
    return drift


def _keys(
    connection: DuckDBPyConnection, contract: Contract, raw_table: str
) -> tuple[dict[str, None], bool, bool]:
    """Every spelling of a key, whether there are records, and whether numbers need care."""
    spellings: dict[str, None] = {}
    has_records = otherwise = False
    # Objects of one program share few lists of keys: checks of names cost next to nothing.
    key_lists = connection.execute(
        "select json_keys(raw), min(n),"
        " bool_or(case when is_suspect then regexp_matches(raw, ?) else false end)"
        f" from {identifier(raw_table)} group by all order by min(n)",
        [NUMBERS_WRITTEN_OTHERWISE],
    )
    while batch := key_lists.fetchmany(10_000):
        has_records = True
        for keys, number, unlike in batch:
            if twice := duplicate(contract, keys):
                raise Refused(
                    "duplicate_columns",
                    f"record {number} names one column twice: {twice[0]!r} and {twice[1]!r}.",
                )
            spellings.update(dict.fromkeys(keys))
            otherwise = otherwise or unlike
    return spellings, has_records, otherwise


def _numbers_marked(raw: str) -> str:
    """Turn numbers into marked texts, where DuckDB would not keep how they are written.

    The pattern takes whole texts before each number, and the 0 put behind the last bracket gives
    it a number to end on: so it never begins to look for numbers inside a text.
    """
    marked = f"regexp_replace({raw} || '0', '{_NUMBER_BEHIND_TEXTS}', '\\1\"{_MARK}\\2\"', 'g')"
    return f"left({marked}, -4)"


def _numbers_unmarked(sql: str) -> str:
    """Undo it: a value was a number itself, or holds numbers as JSON."""
    in_json = f"regexp_replace({sql}, '\"{_MARK}([^\"]+)\"', '\\1', 'g')"
    return f"case when is_marked then ltrim({in_json}, '{_MARK}') else {sql} end"


def _json_text(found: str, name: str) -> str:
    """The value of a JSON column. A text keeps its quotes, unless it holds JSON or opens a brace.

    Objects come without quotes, and most values are objects: to look at their first character costs
    a quarter of reading them.
    """
    is_text = f"not starts_with({found}, '{{') and not json_valid(nullif(trim({found}), ''))"
    quoted = f"json_extract(raw, {literal(_pointer(name))})::varchar"
    return f"case when {is_text} then {quoted} else {found} end"


def _pointer(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")
