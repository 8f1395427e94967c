"""A wrong contract is refused before anything runs, with file, feed and reason."""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from orchestration.builds import create_changes
from orchestration.contracts import ContractError, feed_names, load_contracts
from orchestration.contracts.checks import _MASKS
from orchestration.contracts.names import (
    OWN_BESIDE_KEYS,
    OWN_COLUMNS,
    OWN_TABLES,
    SQL_WORDS,
    made_columns,
)
from orchestration.contracts.options import BREAKER_OPTIONS
from orchestration.erasure.tables import _DERIVED
from orchestration.loader.bronze_tables import create_bronze
from orchestration.settings import PROJECT_DIR, ConfigurationError, Settings

FEED = {
    "name": "things",
    "description": "One row per thing.",
    "config": {
        "meta": {"contract": {"format": "csv", "key": ["thing_id"], "sequence": "changed_at"}}
    },
    "columns": [
        {"name": "thing_id", "config": {"meta": {"type": "text", "required": True}}},
        {"name": "changed_at", "config": {"meta": {"type": "instant"}}},
        {"name": "email", "config": {"meta": {"type": "text", "pii": True, "mask": "email"}}},
    ],
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "_bronze__sources.yml"


def write(path: Path, *feeds: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump({"sources": [{"name": "bronze", "tables": list(feeds)}]}))
    return path


def feed(contract: dict[str, Any] | None = None, **meta: Any) -> dict[str, Any]:
    """The feed with other options, and other meta of its column `changed_at`."""
    changed = deepcopy(FEED)
    changed["config"]["meta"]["contract"] |= contract or {}
    changed["columns"][1]["config"]["meta"] |= meta
    return changed


def with_column(name: str, contract: dict[str, Any] | None = None, **meta: Any) -> dict[str, Any]:
    """The feed with one more column, of text where `meta` does not say otherwise."""
    changed = feed(contract)
    changed["columns"].append({"name": name, "config": {"meta": {"type": "text"} | meta}})
    return changed


def refusal(path: Path, *feeds: dict[str, Any]) -> tuple[str, str]:
    """What is said of wrong feeds, and the line of the file that it names."""
    with pytest.raises(ContractError) as error:
        load_contracts(write(path, *feeds))
    message, _, line = str(error.value).rpartition(" (line ")
    return message, path.read_text().splitlines()[int(line.rstrip(")")) - 1].strip()


def test_the_contracts_of_the_project_are_right():
    contracts = load_contracts(Settings(data_dir=Path("data")).contracts_file)
    assert contracts["inventory"].key == ("product_id", "warehouse_id", "snapshot_date")
    assert contracts["orders"].column_for(" Order_Status ") == "order_status"
    assert all(contract.column_for("_op") == "_op" for contract in contracts.values())


def test_what_a_contract_leaves_out_has_a_default(path):
    contract = load_contracts(write(path, FEED))["things"]
    assert (contract.delimiter, contract.quote, contract.encoding) == (",", '"', "utf-8")
    assert (contract.max_rejected_ratio, contract.max_deleted_ratio) == (0.5, 0.2)


def test_aliases_name_feeds_and_columns(path):
    contracts = load_contracts(write(path, feed({"aliases": ["Dinge"]}, aliases=["Moment "])))
    assert feed_names(contracts)["dinge"].feed == "things"
    assert contracts["things"].column_for("MOMENT") == "changed_at"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (feed(type="money"), "unknown type 'money'"),
        (feed(type="decimal(2,3)"), "unknown type 'decimal(2,3)'"),
        (feed(type="decimal(39,2)"), "unknown type 'decimal(39,2)'"),
        (feed(type="decimal(0,0)"), "unknown type 'decimal(0,0)'"),
        (feed(type=None), "type is None; it must be a text"),
        (feed(type=["text"]), "type is ['text']; it must be a text"),
        (feed(lookup=5), "lookup is 5; it must be a text"),
        (feed(references={}), "references is {}; it must be a text"),
        (feed(aliases="abc"), "aliases must be a list of names"),
        (feed(aliases=5), "aliases must be a list of names"),
        (feed({"delimiter": '"'}), "delimiter and quote are the same character"),
        (feed({"delimiter": "\n"}), "delimiter is '\\n'"),
        (feed({"quote": "»"}), "quote is '»'"),
        (FEED | {"columns": ["thing_id"]}, "columns must be a list of mappings"),
        (FEED | {"columns": [{"name": "thing_id"}]}, "it needs config.meta with its type"),
        (
            FEED | {"columns": [{"name": "thing_id", "config": {"meta": ["text"]}}]},
            "it needs config.meta with its type",
        ),
        (feed(mandatory=True), "unknown option 'mandatory'"),
        (feed(required="yes"), "required must be true or false"),
        (feed(same_person="yes"), "same_person must be true or false"),
        (with_column("Total"), "column 'Total': a name must be lower-case"),
        (with_column("total-eur"), "column 'total-eur': a name must be lower-case"),
        (feed(mask="blur", pii=True), "unknown mask 'blur'"),
        (feed(pii=True), "pii and mask go together"),
        (feed(references="nobody"), "'nobody', which is no feed"),
        (feed(aliases=["Thing_ID"]), "two columns are named 'Thing_ID'"),
        (feed(aliases=["_row_number"]), "two columns are named '_row_number'"),
        (feed(aliases=["Moment", " MOMENT "]), "two columns are named ' MOMENT '"),
        (feed({"key": ["no_such"]}), "key column 'no_such' is not among its columns"),
        (feed({"key": ["changed_at"]}), "key column 'changed_at' must be required"),
        (feed({"key": []}), "key is empty"),
        (feed({"key": "thing_id"}), "key must be a list"),
        (
            FEED | {"config": {"meta": {"contract": {"format": "csv"}}}},
            "a contract needs format and key",
        ),
        (feed({"sequence": "no_such"}), "sequence column 'no_such' is not among its columns"),
        (feed({"sequence": "email"}), "must have the type instant"),
        (feed({"sequence": ["changed_at"]}), "sequence is ['changed_at']; it must be the name of"),
        (FEED | {"config": {"meta": ["contract"]}}, "meta must be a mapping."),
        (FEED | {"config": ["meta"]}, "config must be a mapping."),
        (feed({"format": "xml"}), "format is 'xml'"),
        (feed({"delimeter": ";"}), "unknown option 'delimeter'"),
        (feed({"delimiter": "||"}), "delimiter is '||'"),
        (feed({"quote": ""}), "quote is ''"),
        (feed({"encoding": "klingon"}), "encoding 'klingon' is not known"),
        (feed({"encoding": 8}), "encoding 8 is not known"),
        (feed({"max_rejected_ratio": 2}), "max_rejected_ratio is 2"),
        (feed({"max_rejected_ratio": -0.1}), "max_rejected_ratio is -0.1"),
        (feed({"max_deleted_ratio": True}), "max_deleted_ratio is True"),
        (feed({"duplicate_key_policy": "explode"}), "duplicate_key_policy is 'explode'"),
        (feed({"unknown_status_policy": "discard_file"}), "needs a column with a lookup"),
        (FEED | {"name": "trigger"}, "not 'trigger'"),
        (feed({"aliases": ["Trigger"]}), "files named 'Trigger' are triggers"),
        (FEED | {"name": "Things"}, "a feed's name must be lower-case"),
    ],
)
def test_a_wrong_contract_is_refused_with_file_feed_and_reason(path, changed, reason):
    with pytest.raises(ContractError) as caught:
        load_contracts(write(path, changed))
    message = str(caught.value)
    assert str(path) in message
    assert repr(changed["name"]) in message
    assert reason in message


@pytest.mark.parametrize(
    ("wrong", "sentence", "line"),
    [
        (feed(type="money"), "unknown type 'money'", "type: money"),
        (feed(required="yes"), "required must be true", "required: 'yes'"),
        (feed(mandatory=1), "unknown option 'mandatory'", "mandatory: 1"),
        (feed(pii=True), "pii and mask go together", "pii: true"),
        (feed(mask="drop"), "pii and mask go together", "mask: drop"),
        (feed(aliases="abc"), "aliases must be a list", "aliases: abc"),
        (feed(aliases=["Thing_ID"]), "two columns are named", "name: changed_at"),
        (feed(references="nobody"), "'nobody', which is no feed.", "references: nobody"),
        (feed({"sequence": 5}), "sequence is 5", "sequence: 5"),
        (feed({"sequence": "email"}), "must have the type instant", "type: text"),
        (feed({"delimiter": '"'}), "are the same character", "delimiter: '\"'"),
        (feed({"key": ["changed_at"]}), "must be required", "name: changed_at"),
        (with_column("type", type="money"), "unknown type 'money'", "type: money"),
        (with_column("others", type="money"), "unknown type 'money'", "type: money"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(path, wrong, sentence, line):
    message, found = refusal(path, with_column("things") | {"name": "others"}, wrong)
    assert message.startswith(f"{path}: feed 'things': ")
    assert sentence in message
    assert found.removeprefix("- ") == line


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (with_column("warnings"), "column 'warnings': the platform has a column of that name for"),
        (with_column("rowid"), "column 'rowid': the platform has a column of that name for itself"),
        (with_column("order"), "column 'order': its name is a word of SQL; give it another name"),
        (with_column("left"), "list 'left' among its aliases."),
        (with_column("changed_at_delivered"), "a column of that name of 'changed_at'"),
        (with_column("email_hash"), "a column of that name of 'email'"),
        (with_column("has_email"), "a column of that name of 'email'"),
        (
            with_column("version", pii=True, mask="email"),
            "column 'version': the platform makes a column 'version_hash' of it, which it has al",
        ),
        (
            with_column("number", {"key": ["thing_id", "number"]}, required=True),
            "column 'number': the platform has a column of that name beside each key",
        ),
    ],
)
def test_a_name_that_the_platform_needs_is_refused(path, wrong, sentence):
    message, line = refusal(path, wrong)
    assert sentence in message
    assert line.removeprefix("- ") == f"name: {wrong['columns'][-1]['name']}"


def test_names_that_only_look_taken_are_accepted(path):
    wanted = with_column("number") | {"name": "things_files"}
    for name in ("thing_id_delivered", "birth_year", "position", "email_masked"):
        wanted["columns"].append({"name": name, "config": {"meta": {"type": "text"}}})
    wanted["columns"].append(
        {"name": "ordering", "config": {"meta": {"type": "text", "aliases": ["order"]}}}
    )
    assert load_contracts(write(path, wanted))["things_files"].column_for("Order") == "ordering"


@pytest.mark.parametrize("name", ["files", "rewritten_files", "invocation", "read"])
def test_a_feed_named_like_a_table_of_the_platform_is_refused(path, name):
    message, line = refusal(path, FEED | {"name": name})
    assert f"feed {name!r}: the platform has a table of that name for itself" in message
    assert line == f"name: {name}"


def test_the_names_that_are_refused_are_those_that_are_taken():
    with duckdb.connect() as warehouse:
        create_bronze(warehouse, {})
        create_changes(warehouse)
        tables = warehouse.execute(
            "select table_name from duckdb_tables() where schema_name in ('bronze', 'changes')"
        ).fetchall()
        words = warehouse.execute(
            "select keyword_name from duckdb_keywords() group by all having"
            " list_contains(list(keyword_category), 'reserved') or list(keyword_category)"
            " = ['type_function']"
        ).fetchall()
    assert {name for (name,) in tables} == OWN_TABLES
    assert {word for (word,) in words} == SQL_WORDS
    macros = [
        (PROJECT_DIR / f"macros/{name}.sql").read_text()
        for name in ("typed_rows", "judged_rows", "changes", "versions", "known_spans")
    ]
    added = {name for text in macros for name in re.findall(r"[^(]\bas ([a-z]\w+),?\n", text)}
    beside_no_column = """
        accepted batch_dates bronze_rows changes delivered files previous_delivery reported
        sent_files staged
    """
    assert added - set(beside_no_column.split()) <= OWN_COLUMNS | OWN_BESIDE_KEYS
    assert {"operation", "is_accepted", "valid_to", "is_first_version", "known_until"} <= added


def test_the_columns_that_masks_make_are_those_that_erasures_blank():
    columns = ("seen", "date_of_birth")
    made = {
        name for column in columns for mask in _MASKS for name in made_columns(column, "text", mask)
    }
    blanked = {name.format(column) for column in columns for name in _DERIVED}
    made -= {"is_seen_patched", "is_date_of_birth_patched"}
    assert made == blanked - {"seen", "date_of_birth", "date_of_birth_year"}


@pytest.mark.parametrize(
    ("type_", "mask", "sentence"),
    [
        (
            "text",
            "year",
            "mask year hides a column of the type date or instant, and this one is te",
        ),
        ("decimal(5,2)", "redact", "mask redact hides a column of the type text or json, and"),
        ("date", "email", "mask email hides a column of the type text, and"),
        ("integer", "phone", "mask phone hides a column of the type text, and"),
    ],
)
def test_a_mask_that_cannot_hide_a_type_is_refused(path, type_, mask, sentence):
    message, line = refusal(path, with_column("secret", type=type_, pii=True, mask=mask))
    assert f"column 'secret': {sentence}" in message
    assert line == f"mask: {mask}"


@pytest.mark.parametrize(
    ("contract", "meta", "mask"),
    [
        ({"key": ["thing_id", "secret"]}, {"required": True}, "email"),
        ({}, {"references": "things"}, "drop"),
        ({}, {"lookup": "currencies"}, "redact"),
        ({"sequence": "secret"}, {"type": "instant"}, "year"),
    ],
    ids=["key", "reference", "lookup", "sequence"],
)
def test_a_mask_of_a_column_that_rows_are_found_by_is_refused(path, contract, meta, mask):
    message, line = refusal(path, with_column("secret", contract, pii=True, mask=mask, **meta))
    assert f"column 'secret': mask {mask} would hide what rows are" in message
    assert line == f"mask: {mask}"


@pytest.mark.parametrize("type_", ["text", "decimal(5,2)", "date", "json"])
def test_every_type_can_be_dropped(path, type_):
    wanted = with_column("secret", type=type_, pii=True, mask="drop", required=True)
    assert load_contracts(write(path, wanted))["things"].columns[-1].mask == "drop"


def test_a_feed_whose_key_has_two_columns_is_not_referenced(path):
    parent = with_column("part", {"key": ["thing_id", "part"]}, required=True) | {"name": "parents"}
    message, line = refusal(path, parent, with_column("parent_id", references="parents"))
    assert "column 'parent_id' references 'parents', whose key is thing_id, part; only" in message
    assert line == "references: parents"


@pytest.mark.parametrize(
    ("other", "place"),
    [
        (FEED, "name: things"),
        (
            FEED | {"name": "others"} | {"config": feed({"aliases": ["THINGS"]})["config"]},
            "aliases:",
        ),
    ],
    ids=["same name", "alias"],
)
def test_two_feeds_of_one_name_are_refused(path, other, place):
    message, line = refusal(path, FEED, other)
    assert str(path) in message
    assert repr(other["name"]) in message
    assert "taken by feed 'things'" in message
    assert line == place


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "no valid YAML"),
        ("", "no feed is known"),
        ("- a", "not in the form of dbt's sources"),
        ("sources: [5]", "not in the form of dbt's sources"),
        ("sources:\n# f\udcfcr", "is not UTF-8 (line 2)"),
        (None, "is missing"),
    ],
)
def test_a_file_without_contracts_is_refused(path, text, reason):
    if text is not None:
        path.write_text(text, errors="surrogateescape")
    with pytest.raises(ConfigurationError) as caught:
        load_contracts(path)
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ({"expected": "daily"}, "expected is 'daily'; it must be a mapping."),
        ({"expected": {"every": "day"}}, "expected needs by."),
        ({"expected": {"by": "06:00"}}, "expected needs every."),
        ({"expected": {"every": "day", "by": 600}}, "expected.by is 600; it must be a time of day"),
        ({"expected": {"every": "day", "by": "24:00"}}, "expected.by is '24:00'"),
        ({"expected": {"every": "day", "by": "06:00:30"}}, "expected.by is '06:00:30'"),
        ({"expected": {"every": "fortnight", "by": "06:00"}}, "expected.every is 'fortnight'"),
        ({"expected": {"every": [], "by": "06:00"}}, "expected.every is []"),
        ({"expected": {"every": ["monday", "moonday"], "by": "06:00"}}, "every is ['monday', 'moo"),
        (
            {"expected": {"every": "day", "by": "06:00", "days_after": -1}},
            "expected.days_after is -1; it must be a whole number from 0 to 31.",
        ),
        (
            {"expected": {"every": "day", "by": "06:00", "days_after": 32}},
            "expected.days_after is 32; it must be a whole number from 0 to 31.",
        ),
        (
            {"expected": {"every": "day", "by": "06:00", "grace_minutes": "long"}},
            "expected.grace_minutes is 'long'",
        ),
        (
            {"expected": {"every": "day", "by": "06:00", "grace_minutes": 44641}},
            "expected.grace_minutes is 44641; it must be a number of minutes of at least 0,",
        ),
        ({"expected": {"every": "day", "at": "06:00"}}, "unknown option 'at'; known are by,"),
        ({"breaker": True}, "breaker is True; it must be a mapping or false."),
        ({"breaker": {"factor": 2}}, "unknown option 'factor'; known are deviations,"),
        ({"breaker": {"volume_factor": 1}}, "breaker.volume_factor is 1; it must be a number gr"),
        ({"breaker": {"quarantine_share": 20}}, "breaker.quarantine_share is 20"),
        ({"breaker": {"quarantine_share": 0}}, "breaker.quarantine_share is 0"),
        ({"breaker": {"min_dates": 1.5}}, "breaker.min_dates is 1.5; it must be a whole number"),
        ({"breaker": {"min_rows": True}}, "breaker.min_rows is True"),
        ({"breaker": {"min_rows": -1}}, "breaker.min_rows is -1"),
        ({"breaker": {"deviations": 0}}, "breaker.deviations is 0; it must be a number greater"),
        ({"breaker": {"min_rows": float("nan")}}, "breaker.min_rows is nan"),
        ({"breaker": {"deviations": float("inf")}}, "breaker.deviations is inf"),
        ({"breaker": 0}, "breaker is 0; it must be a mapping or false."),
    ],
)
def test_a_wrong_arrival_or_breaker_is_refused_with_its_line(path, option, sentence):
    write(path, FEED | {"name": "others"}, feed(option))
    with pytest.raises(ContractError) as error:
        load_contracts(path)
    assert str(error.value).startswith(f"{path}: feed 'things': ")
    assert sentence in str(error.value)
    line = int(str(error.value).rpartition("(line ")[2].rstrip(")"))
    (name,) = option
    wrong = path.read_text().splitlines()[line - 1].strip().removeprefix("- ").partition(":")[0]
    assert wrong in {name, *(option[name] if isinstance(option[name], dict) else ())}


@pytest.mark.parametrize(
    "wanted",
    [
        feed({"max_rejected_ratio": 0, "max_deleted_ratio": 1}),
        feed({"expected": {"every": "day", "by": "00:00", "days_after": 0, "grace_minutes": 0}}),
        feed({"expected": {"every": "day", "by": "23:59", "days_after": 31}}),
        feed({"breaker": {"min_dates": 1, "quarantine_share": 1, "min_rows": 0}}),
        with_column("share", type="decimal(38,38)"),
        with_column("state", {"unknown_status_policy": "discard_file"}, lookup="order_statuses"),
    ],
)
def test_what_is_just_right_is_accepted(path, wanted):
    assert load_contracts(write(path, wanted)).keys() == {"things"}


def test_arrivals_and_limits_of_a_breaker_are_read(path):
    expected = {"every": ["monday", "weekday"], "by": "06:30", "grace_minutes": 5}
    contract = load_contracts(write(path, feed({"expected": expected, "breaker": {"min_rows": 5}})))
    assert contract["things"].expected.weekdays == frozenset(range(5))
    assert str(contract["things"].expected.by) == "06:30:00"
    assert contract["things"].expected.days_after == 1
    assert contract["things"].breaker == {"min_rows": 5}


def test_the_macro_has_a_default_for_each_limit_of_a_breaker():
    macro = Settings(data_dir=Path("data")).project_dir / "macros/breaker_limits.sql"
    assert set(re.findall(r"'(\w+)': [\d.]+", macro.read_text())) == set(BREAKER_OPTIONS)
