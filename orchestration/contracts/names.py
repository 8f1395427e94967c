"""Names that a contract cannot give, because the platform or SQL has them.

Belongs here: what is taken, and by what. Does not: refusing it (`checks.py`).
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# The tables of the schemas bronze and changes that are no feed's (loader/bronze_tables.py,
# people.py, builds.py).
OWN_TABLES = _words(
    """
    batches breakers files passed_files rejected_rows releases rewritten_files
    invocation read written
    """
)
# Columns that the macros add to those of a feed, or take for granted there: DuckDB takes the first
# of two columns of one name without a word.
OWN_COLUMNS = _words(
    """
    operation is_deletion version_hash rejection_reasons warnings is_accepted
    valid_from valid_to is_first_version next_step_at affected_from
    is_counted known_from known_until
    rowid place__ is_new__ by_1
    dbt_scd_id dbt_updated_at dbt_valid_from dbt_valid_to dbt_change_type dbt_unique_key
    """
)
# The same beside a feed's key alone: where changed keys are logged and full lists compared.
OWN_BESIDE_KEYS = _words(
    """
    number is_new
    previous_listing next_listing next_delivery after_earlier after_this returned_at
    """
)
# Words that DuckDB takes for no column's name unless it is quoted; generated SQL does not quote.
SQL_WORDS = _words(
    """
    all analyse analyze and anti any array as asc asof asymmetric at authorization binary both
    by case cast check collate collation column concurrently constraint create cross default
    deferrable desc describe distinct do else end except false fetch for foreign freeze from
    full glob group having ilike in initially inner intersect into is isnull join lambda lateral
    leading left like limit natural not notnull null offset on only or order outer overlaps
    pivot pivot_longer pivot_wider placing positional primary qualify references returning right
    select semi show similar some summarize symmetric table tablesample then to trailing true
    union unique unpack unpivot using variadic verbose when where window with
    """
)


def made_columns(name: str, type_: str, mask: str | None) -> list[str]:
    """The columns beside its own name that the macros make of a feed's column."""
    made = [f"is_{name}_patched"]
    if type_ != "text":
        made.append(f"{name}_delivered")
    if mask == "email":
        made += [f"{name}_hash", f"{name}_domain", f"has_{name}"]
    elif mask == "phone":
        made.append(f"{name}_masked")
    elif mask == "year":
        made.append("birth_year" if name == "date_of_birth" else f"{name}_year")
    return made
