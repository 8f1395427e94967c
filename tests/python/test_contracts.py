"""A wrong contract is refused before anything runs, with file, feed and reason."""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.contract_options import BREAKER_OPTIONS
from orchestration.contracts import ContractError, feed_names, load_contracts
from orchestration.settings import ConfigurationError, Settings

FEED = {
    "name": "things",
    "description": "One row per thing.",
    "config": {"meta": {"contract": {"format": "csv", "key": ["thing_id"], "sequence": "at"}}},
    "columns": [
        {"name": "thing_id", "config": {"meta": {"type": "text", "required": True}}},
        {"name": "at", "config": {"meta": {"type": "instant"}}},
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
    """The feed with other options, and other meta of its column `at`."""
    changed = deepcopy(FEED)
    changed["config"]["meta"]["contract"] |= contract or {}
    changed["columns"][1]["config"]["meta"] |= meta
    return changed


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
    contracts = load_contracts(write(path, feed({"aliases": ["Dinge"]}, aliases=["Moment"])))
    assert feed_names(contracts)["dinge"].feed == "things"
    assert contracts["things"].column_for("MOMENT") == "at"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (feed(type="money"), "unknown type 'money'"),
        (feed(type="decimal(2,3)"), "unknown type 'decimal(2,3)'"),
        (feed(type="decimal(39,2)"), "unknown type 'decimal(39,2)'"),
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
        (feed(mandatory=True), "unknown option 'mandatory'"),
        (feed(required="yes"), "required must be true or false"),
        (feed(mask="blur", pii=True), "unknown mask 'blur'"),
        (feed(pii=True), "pii and mask go together"),
        (feed(references="nobody"), "'nobody', which is no feed"),
        (feed(aliases=["Thing_ID"]), "two columns are named 'Thing_ID'"),
        (feed(aliases=["_row_number"]), "two columns are named '_row_number'"),
        (feed({"key": ["no_such"]}), "key column 'no_such' is not among its columns"),
        (feed({"key": ["at"]}), "key column 'at' must be required"),
        (feed({"key": []}), "key is empty"),
        (feed({"key": "thing_id"}), "key must be a list"),
        (feed({"sequence": "no_such"}), "sequence column 'no_such' is not among its columns"),
        (feed({"sequence": "email"}), "must have the type instant"),
        (feed({"format": "xml"}), "format is 'xml'"),
        (feed({"delimeter": ";"}), "unknown option 'delimeter'"),
        (feed({"delimiter": "||"}), "delimiter is '||'"),
        (feed({"quote": ""}), "quote is ''"),
        (feed({"encoding": "klingon"}), "encoding 'klingon' is not known"),
        (feed({"max_rejected_ratio": 2}), "max_rejected_ratio is 2"),
        (feed({"max_deleted_ratio": True}), "max_deleted_ratio is True"),
        (feed({"duplicate_key_policy": "explode"}), "duplicate_key_policy is 'explode'"),
        (feed({"unknown_status_policy": "discard_file"}), "needs a column with a lookup"),
        (FEED | {"name": "trigger"}, "not 'trigger'"),
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
    "other",
    [FEED, FEED | {"name": "others"} | {"config": feed({"aliases": ["THINGS"]})["config"]}],
    ids=["same name", "alias"],
)
def test_two_feeds_of_one_name_are_refused(path, other):
    with pytest.raises(ContractError) as caught:
        load_contracts(write(path, FEED, other))
    message = str(caught.value)
    assert str(path) in message
    assert repr(other["name"]) in message
    assert "taken by feed 'things'" in message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "no valid YAML"),
        ("", "no feed is known"),
        ("- a", "not in the form of dbt's sources"),
        ("sources: [5]", "not in the form of dbt's sources"),
        (None, "is missing"),
    ],
)
def test_a_file_without_contracts_is_refused(path, text, reason):
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_contracts(path)
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ({"expected": "daily"}, "expected is 'daily'; it must be a mapping."),
        ({"expected": {"every": "day"}}, "expected needs by."),
        ({"expected": {"every": "day", "by": 600}}, "expected.by is 600; it must be a time of day"),
        ({"expected": {"every": "day", "by": "24:00"}}, "expected.by is '24:00'"),
        ({"expected": {"every": "fortnight", "by": "06:00"}}, "expected.every is 'fortnight'"),
        ({"expected": {"every": [], "by": "06:00"}}, "expected.every is []"),
        (
            {"expected": {"every": "day", "by": "06:00", "days_after": -1}},
            "expected.days_after is -1; it must be a whole number from 0 to 31.",
        ),
        (
            {"expected": {"every": "day", "by": "06:00", "grace_minutes": "long"}},
            "expected.grace_minutes is 'long'",
        ),
        ({"expected": {"every": "day", "at": "06:00"}}, "unknown option 'at'; known are by,"),
        ({"breaker": True}, "breaker is True; it must be a mapping or false."),
        ({"breaker": {"factor": 2}}, "unknown option 'factor'; known are deviations,"),
        ({"breaker": {"volume_factor": 1}}, "breaker.volume_factor is 1; it must be a number gr"),
        ({"breaker": {"quarantine_share": 20}}, "breaker.quarantine_share is 20"),
        ({"breaker": {"min_rows": float("nan")}}, "breaker.min_rows is nan"),
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


def test_arrivals_and_limits_of_a_breaker_are_read(path):
    expected = {"every": ["monday", "weekday"], "by": "06:30", "grace_minutes": 5}
    contract = load_contracts(write(path, feed({"expected": expected, "breaker": {"min_rows": 5}})))
    assert contract["things"].expected.weekdays == frozenset(range(5))
    assert str(contract["things"].expected.by) == "06:30:00"
    assert contract["things"].breaker == {"min_rows": 5}


def test_the_macro_has_a_default_for_each_limit_of_a_breaker():
    macro = Settings(data_dir=Path("data")).project_dir / "macros/breaker_limits.sql"
    assert set(re.findall(r"'(\w+)': [\d.]+", macro.read_text())) == set(BREAKER_OPTIONS)
