"""From a decoded file to a staged table, by contract, never guessing.

Belongs here: what is judged of a file as a whole, and the sums a trigger is compared with.
Does not: how records are found (`csv_records.py`, `json_records.py`), what happens to a refused
file or a staged table (`file_load.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal

from duckdb import ConversionException, DuckDBPyConnection, InvalidInputException

from orchestration.contracts import Contract
from orchestration.loader.csv_records import stage_csv
from orchestration.loader.json_records import stage_json
from orchestration.loader.policies import check_policies
from orchestration.loader.refusal import Refused
from orchestration.loader.spool import Spooled
from orchestration.loader.staged import identifier, shortened

_STAGE = {"csv": stage_csv, "json": stage_json}
_DECIMAL = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
_SHORT_DECIMAL = r"[+-]?\d{1,18}(\.\d{0,8})?"
# The widest decimal has 38 digits before the point. Numbers that begin further behind it than
# _SMALLEST digits change no sum that anybody writes down, and would make it endless.
_LARGEST = 38
_SMALLEST = 400
_EXACT = Context(prec=1_000, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])


@dataclass(frozen=True)
class Reading:
    """A file in two tables: `table` and `rejected_table` (line_number, raw, error).

    Both are named as SQL names them. rows_read = rows_loaded + rows_rejected. `drift`: extra and
    missing columns, None without.
    """

    table: str
    rejected_table: str
    rows_read: int
    rows_loaded: int
    rows_rejected: int
    drift: dict[str, list[str]] | None


def read(
    connection: DuckDBPyConnection,
    contract: Contract,
    spooled: Spooled,
    file_format: str,
    table: str,
    lookups: Callable[[str], set[str]],
) -> Reading:
    """Read a file into the tables `table` and `<table>_rejected`, in the file's order.

    `table` has the contract's columns (text), `_rescued` (JSON), `_op` and `_row_number` (place
    among the records, rejected ones counted). `file_format` is `csv` or `json` (an array, NDJSON,
    or one object: the first character that is not blank tells). `lookups` gives the values of a
    seed, lower case. Call it outside a transaction: an error inside would abort it.

    Raises Refused with a reason code of the landing contract; faults of the machine stay OSError
    or duckdb.IOException. No table is left behind then.
    """
    rejected_table = f"{table}_rejected"
    try:
        if contract.final_newline == "required" and not spooled.ends_with_newline:
            raise Refused(
                "truncated",
                "the file does not end with a newline, which this feed requires; "
                "deliver the whole file.",
            )
        try:
            drift = _STAGE[file_format](connection, contract, spooled, table, rejected_table)
        except (InvalidInputException, ConversionException) as error:
            raise Refused("unreadable", shortened(str(error).splitlines()[0])) from error
        loaded, rejected = (_count(connection, name) for name in (table, rejected_table))
        _check_rejects(connection, contract, loaded, rejected, rejected_table)
        check_policies(connection, contract, table, lookups)
    except BaseException:
        for name in (table, rejected_table):
            connection.execute(f"drop table if exists {identifier(name)}")
        raise
    return Reading(table, rejected_table, loaded + rejected, loaded, rejected, drift)


def total(connection: DuckDBPyConnection, reading: Reading, column: str) -> Decimal:
    """The exact sum of the column's values that read as decimal numbers.

    Source: the decimal row of the contract's types. A number of more than 38 digits before the
    point fits no type and does not count. Raises KeyError when the file's feed has no such column.
    """
    columns = connection.execute(f"describe {reading.table}").fetchall()
    if column not in {name for name, *_ in columns}:
        raise KeyError(column)
    text = identifier(column)
    is_short = f"regexp_full_match({text}, ' *{_SHORT_DECIMAL} *')"
    short, others = connection.execute(
        f"select coalesce(sum(case when {is_short} then {text}::decimal(38, 8) end), 0),"
        f" count(*) filter (not {is_short}) from {reading.table}"
    ).fetchone()
    total = Decimal(short)
    if others:
        connection.execute(
            f"select trim({text}, ' ') from {reading.table}"
            f" where not {is_short} and regexp_full_match({text}, ' *{_DECIMAL} *')"
        )
        while batch := connection.fetchmany(10_000):
            for (number,) in batch:
                value = _EXACT.create_decimal(number)
                if value.is_finite() and -_SMALLEST < value.adjusted() < _LARGEST:
                    total = _EXACT.add(total, value)
    total = total.normalize(_EXACT)
    return total.quantize(Decimal(1), context=_EXACT) if total.as_tuple().exponent > 0 else total


def _check_rejects(
    connection: DuckDBPyConnection,
    contract: Contract,
    loaded: int,
    rejected: int,
    rejected_table: str,
) -> None:
    # As it is written: 0.29 of 100 is 29, and less than that in binary.
    if rejected <= Decimal(str(contract.max_rejected_ratio)) * (loaded + rejected):
        return
    line, error = connection.execute(
        f"select line_number, error from {identifier(rejected_table)} order by 1 limit 1"
    ).fetchone()
    raise Refused(
        "too_many_rejects",
        f"{rejected} of {loaded + rejected} records cannot be read, more than the share "
        f"{contract.max_rejected_ratio} that is allowed; first line {line}: {error}.",
    )


def _count(connection: DuckDBPyConnection, table: str) -> int:
    return connection.execute(f"select count(*) from {identifier(table)}").fetchone()[0]
