"""Detection is complete: each labelled fault of the demo has its reason, no clean row has one."""

import json
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from orchestration.contracts import load_contracts


@pytest.fixture(scope="module")
def labels(built, scratch: Path) -> list[dict]:
    return [json.loads(line) for line in (scratch / "labels.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def ask(built):
    with closing(duckdb.connect(built.settings.warehouse, read_only=True)) as connection:
        yield lambda sql: connection.execute(sql).fetchall()


def test_every_labelled_row_has_its_reasons_and_no_other_row_has_any(built, labels, ask):
    expected = {
        (label["file_name"], label["row_number"]): (
            # What waited for a parent has found it: all days were loaded at once.
            [] if label["action"] == "released" else sorted(label["reasons"]),
            sorted(label["warnings"]),
        )
        for label in labels
        if label["level"] == "row"
    }
    found = {}
    for feed in load_contracts(built.settings.contracts_file):
        for file, row, reasons, warnings in ask(
            f"select _file_name, _row_number, rejection_reasons, warnings from silver.stg_{feed}"
        ):
            found[file, row] = (sorted(reasons), sorted(warnings))
    assert len(expected) > 100
    assert expected.keys() <= found.keys()
    flagged = {row: judged for row, judged in found.items() if judged != ([], [])}
    assert flagged == {row: judged for row, judged in expected.items() if judged != ([], [])}


def test_quarantine_holds_the_labelled_rows_and_nothing_else(labels, ask):
    expected = {
        (label["file_name"], label["row_number"], label["business_key"])
        for label in labels
        if label["level"] == "row" and label["action"] == "quarantine"
    }
    held = ask("select file_name, row_number, business_key from silver.quarantine")
    assert sorted(held) == sorted(expected)


def test_every_labelled_line_is_rejected_and_no_other(labels, ask):
    expected = {
        (label["file_name"], label["line_number"]) for label in labels if label["level"] == "line"
    }
    rejected = ask(
        "select files.file_name, rejected.line_number from bronze.rejected_rows as rejected"
        " inner join bronze.files as files using (file_id)"
    )
    assert expected
    assert sorted(rejected) == sorted(expected)


def test_every_labelled_file_and_batch_is_where_its_label_says(labels, ask):
    ledger = set(ask("select file_name, status, reason from bronze.files"))
    batches = ask("select trigger_file, status, reason from bronze.batches")
    for label in labels:
        name, status = label["file_name"], label.get("status")
        if status == "ignored":
            assert name not in {file for file, _, _ in ledger}
        elif label["level"] == "file":
            assert (name, status, label["reason"]) in ledger, label
        elif label["level"] == "batch" and status in ("held", "waiting"):
            (found,) = [batch for batch in batches if batch[0] == name]
            assert found[1] == status, label
            assert label["reason"] is None or found[2].startswith(label["reason"]), label
