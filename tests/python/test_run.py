"""A whole run: from landing to what readers see, and what a failing one leaves."""

import io
import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from contextlib import ExitStack, closing
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from click.testing import CliRunner

from orchestration.automation import JOB
from orchestration.bronze import BUILDS
from orchestration.builds import last_builds
from orchestration.cli import _console, cli
from orchestration.dbt_runner import invoke
from orchestration.forecast.step import forecast_sales
from orchestration.instance import dagster_home, open_instance
from orchestration.loader.load import connect
from orchestration.pii_key import KEY_FILE
from orchestration.publish import current_file, current_version, versions
from orchestration.run import RunOutcome, nothing_ever_landed, run
from orchestration.settings import PROJECT_DIR, ConfigurationError, Settings
from orchestration.summary import (
    _print_files,
    _print_table,
    print_published,
    print_run,
    print_status,
)
from orchestration.warehouse import open_warehouse, writer_lock
from orchestration.watching import ARRIVAL_CHECK


def rows_of_gold(settings: Settings) -> dict[str, list[tuple]]:
    with closing(duckdb.connect(current_file(settings), read_only=True)) as reader:
        names = reader.execute(
            "select table_name from information_schema.tables where table_schema = 'gold'"
        ).fetchall()
        return {
            name: sorted(reader.execute(f"from gold.{name}").fetchall(), key=repr)
            for (name,) in names
        }


def tables_of(printed: str) -> dict[str, list[list[str]]]:
    """Title → cells of each row, without the headings."""
    blocks = [block.strip("\n").splitlines() for block in printed.split("\n\n")]
    return {
        title: [re.split(r"  +", line.strip()) for line in lines[1:]] for title, *lines in blocks
    }


def metadata_of_run(instance: dg.DagsterInstance, run_id: str) -> dict[dg.AssetKey, dict]:
    """Metadata of each asset that the run materialized: other tests' runs share the instance."""
    records = instance.get_records_for_run(
        run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
    ).records
    return {
        record.event_log_entry.asset_materialization.asset_key: dict(
            record.event_log_entry.asset_materialization.metadata
        )
        for record in records
    }


def test_the_first_run_publishes_and_accounts_for_every_file(built):
    with closing(duckdb.connect(current_file(built.settings), read_only=True)) as reader:
        (orders,) = reader.execute("select count(*) from gold.fact_orders").fetchone()
        (build,) = reader.execute("select (status, published_version) from audit.builds").fetchone()
    assert orders > 0
    assert build == ("published", 1)
    statuses = {file["status"] for file in built.outcome.files}
    assert statuses >= {"loaded", "discarded", "held"}


def test_the_build_is_on_record_with_what_it_loaded(built):
    with open_warehouse(built.settings) as connection:
        (build,) = last_builds(connection, 5)
        files, rows, as_of = connection.execute(
            "select count(*), sum(rows_loaded), max(batch_date)"
            " from bronze.files where status in ('loaded', 'superseded')"
        ).fetchone()
        (counted,) = connection.execute(
            "select count(*) from audit.expectation_results where build_id = ?", [build.build_id]
        ).fetchone()
    assert (build.files, build.rows, build.as_of_date) == (files, rows, as_of)
    assert build.run_id == built.outcome.run_id
    assert counted > 0


def test_the_run_says_that_it_made_a_key_file(built):
    key_file = built.settings.data_dir / KEY_FILE
    assert f"A key for the hashes of e-mail addresses was made: {key_file}" in built.report
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_the_run_stands_in_the_persisted_instance_with_rows_columns_and_checks(built):
    with dg.DagsterInstance.from_config(str(dagster_home(built.settings))) as instance:
        record = instance.get_run_by_id(built.outcome.run_id)
        materialized = metadata_of_run(instance, record.run_id)
        checks = instance.get_records_for_run(
            record.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
        ).records
    assert (record.status, record.job_name) == (dg.DagsterRunStatus.SUCCESS, "build")
    assert record.tags["orderhouse/process"].startswith(f"{os.getpid()} ")
    assert BUILDS in materialized
    metadata = materialized[dg.AssetKey(["gold", "fact_orders"])]
    rows = rows_of_gold(built.settings)["fact_orders"]
    assert metadata["dagster/row_count"].value == len(rows)
    assert "order_id" in {
        column.name for column in metadata["dagster/column_schema"].schema.columns
    }
    assert materialized[dg.AssetKey(["bronze", "orders"])]["dagster/row_count"].value > 0
    assert len(checks) > 50
    arrivals = [
        check
        for check in checks
        if check.event_log_entry.dagster_event.event_specific_data.check_name == ARRIVAL_CHECK
    ]
    assert len(arrivals) == 9
    assert all(check.event_log_entry.dagster_event.event_specific_data.passed for check in arrivals)


def test_the_ui_can_plot_what_expectations_found_and_where_every_record_is(built):
    with dg.DagsterInstance.from_config(str(dagster_home(built.settings))) as instance:
        materialized = metadata_of_run(instance, built.outcome.run_id)

    def figures(*key: str) -> dict[str, float]:
        return {name: value.value for name, value in materialized[dg.AssetKey([*key])].items()}

    feed, staged = figures("bronze", "orders"), figures("silver", "stg_orders")
    held, results = figures("silver", "quarantine"), figures("audit", "expectation_results")
    with open_warehouse(built.settings) as connection:
        (status, rows, amount) = connection.execute(
            "select count(*) filter (where 'order_status_unknown' in rejection_reasons),"
            " count(*), sum(amount_held) from silver.quarantine where feed = 'orders'"
        ).fetchone()
    assert staged["failed/order_status_unknown"] == status > 0
    assert (held["rows_held/orders"], held["amount_held/orders"]) == (rows, float(amount))
    assert results["failed/orders"] >= rows
    assert feed["records_read"] == feed["records_rejected"] + feed["dagster/row_count"]
    assert feed["records_unaccounted"] == staged["files_withheld"] == 0


def test_dbt_lets_go_of_the_warehouse(built):
    code = f"import duckdb; duckdb.connect({str(built.settings.warehouse)!r}).execute('select 1')"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_a_second_run_loads_nothing_and_a_forced_one_changes_no_gold_row(
    copy_of_built, tmp_path, monkeypatch
):
    settings = copy_of_built()
    before = rows_of_gold(settings)

    second = CliRunner().invoke(cli, ["run"])
    assert second.exit_code == 0, second.output
    assert "Nothing was due" in second.output
    assert current_version(settings) == 1

    monkeypatch.setattr("orchestration.run._RUNS_OVER", 0)
    monkeypatch.setenv("RUNS_KEPT", "1")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    with open_instance(settings) as instance:
        instance.add_run(dg.DagsterRun(job_name=JOB, status=dg.DagsterRunStatus.SUCCESS))
    forced = CliRunner().invoke(cli, ["run", "--force", "--full-refresh"])
    assert forced.exit_code == 0, forced.output
    with open_instance(settings) as instance:
        assert instance.get_runs_count() == 1, "runs expire where no night is"
    assert current_version(settings) == 2
    assert rows_of_gold(settings) == before

    assert CliRunner().invoke(cli, ["rollback"]).output == "Readers now see version 1.\n"
    status = CliRunner().invoke(cli, ["status"]).output
    assert "Readers see version 1; kept are 1, 2." in status


def test_a_failed_build_publishes_nothing_and_names_the_test_its_rows_and_its_table(copy_of_built):
    settings = copy_of_built()
    with open_warehouse(settings) as connection:
        connection.execute(
            "delete from bronze.orders where _file_id = (select min(_file_id) from bronze.orders)"
        )
    before = current_file(settings).read_bytes()

    failed = CliRunner().invoke(cli, ["run", "--force"])

    assert failed.exit_code == 1, failed.output
    assert re.search(
        r"every_record_is_in_bronze_or_rejected: 1 row failed; "
        r"see them in warehouse\.test_failures\.every_record_is_in_bronze_or_rejected",
        failed.output,
    ), failed.output
    assert "Traceback" not in failed.output
    with closing(sqlite3.connect(settings.warehouse.with_name("alerts.sqlite"))) as told:
        assert told.execute("select title from alerts where kind = 'run_failed'").fetchall() == [
            ("Run failed: build",)
        ]
    assert current_file(settings).read_bytes() == before
    assert list(versions(settings)) == [1]
    with open_warehouse(settings) as connection:
        assert last_builds(connection)[0].status == "failed"
        assert connection.execute(
            "select count(*) from test_failures.every_record_is_in_bronze_or_rejected"
        ).fetchone() == (1,)
    status = CliRunner().invoke(cli, ["status"]).output
    builds = tables_of(status)["Last builds"]
    assert [(build[1], build[4:]) for build in builds] == [("failed", []), ("published", ["1"])]


def test_without_the_warehouse_or_its_key_readers_keep_their_version(copy_of_built):
    settings = copy_of_built()
    settings.warehouse.unlink()
    lost = run(settings, report=print)
    assert lost.status == "failed"
    assert "\nThe warehouse " in lost.error and "is gone, though files were archived" in lost.error

    (settings.data_dir / KEY_FILE).unlink()
    refused = CliRunner().invoke(cli, ["run"])
    assert (refused.exit_code, "pii.key is gone" in refused.output) == (2, True), refused.output
    assert not (settings.data_dir / KEY_FILE).exists()
    assert not settings.warehouse.exists()
    assert (current_version(settings), list(versions(settings))) == (1, [1])


def test_a_held_batch_can_be_released_by_name(copy_of_built):
    settings = copy_of_built()
    with open_warehouse(settings) as connection:
        held = connection.execute(
            "select min(batch_id) from bronze.batches where status = 'held'"
        ).fetchone()[0]
        loaded = connection.execute(
            "select batch_id from bronze.batches where status = 'loaded'"
        ).fetchall()
    told = tables_of(CliRunner().invoke(cli, ["status"]).output)
    batches = {row[0] for row in told["Batches that are not loaded"]}
    assert held in batches and loaded and not batches.intersection(*zip(*loaded, strict=True))

    released = CliRunner().invoke(cli, ["release", held, "--why", "the files are right"])
    assert released.exit_code == 0, released.output
    assert released.output.startswith(f"Released {held}; it was held for: ")

    unknown = CliRunner().invoke(cli, ["release", "nonesuch", "--why", "x"])
    assert unknown.exit_code == 2
    assert "No batch 'nonesuch' is held" in unknown.output


def test_a_file_can_be_taken_back_and_restored_by_name(copy_of_built):
    settings = copy_of_built()
    with open_warehouse(settings) as connection:
        name = connection.execute(
            "select min(file_name) from bronze.files where feed = 'orders' and status = 'loaded'"
        ).fetchone()[0]
    taken_back = CliRunner().invoke(cli, ["retract", name, "--why", "a test export"])
    assert taken_back.exit_code == 0, taken_back.output
    assert f"{name}: retracted" in taken_back.output

    restored = CliRunner().invoke(cli, ["restore", name, "--why", "it was none"])
    assert restored.exit_code == 0, restored.output
    assert f"{name}: loaded" in restored.output

    unknown = CliRunner().invoke(cli, ["retract", "nonesuch", "--why", "x"])
    assert unknown.exit_code == 2
    assert "No file and no batch called 'nonesuch' is in effect" in unknown.output


def test_what_a_run_builds_unasked_counts_like_what_it_was_asked_for(copy_of_built):
    settings = copy_of_built()
    with open_warehouse(settings) as connection:
        (name,) = connection.execute(
            "select min(file_name) from bronze.files where feed = 'orders' and status = 'loaded'"
        ).fetchone()
    assert CliRunner().invoke(cli, ["retract", name, "--why", "a test export"]).exit_code == 0

    # Nothing in landing names the feed: only the ledger tells that its models are due.
    outcome = run(settings, report=print)

    assert outcome.status == "published", outcome.error
    with dg.DagsterInstance.from_config(str(dagster_home(settings))) as instance:
        for key, check in (
            (dg.AssetKey(["silver", "stg_orders"]), "unique_key_stg_orders__file_id___row_number"),
            (dg.AssetKey(["gold", "fact_orders"]), "unique_key_fact_orders_order_id"),
        ):
            assert instance.get_latest_materialization_event(key).run_id == outcome.run_id
            check_key = dg.AssetCheckKey(key, check)
            found = instance.event_log_storage.get_asset_check_summary_records([check_key])
            assert found[check_key].last_completed_run_id == outcome.run_id


def test_what_dbt_did_by_hand_is_undone_by_the_next_event(copy_of_built):
    settings = copy_of_built()
    for path in settings.landing.iterdir():
        path.unlink()
    before = rows_of_gold(settings)
    by_hand = invoke(settings, ["run", "--vars", "as_of_date: 2030-01-01"])
    assert by_hand.succeeded, by_hand.reasons()
    with open_warehouse(settings) as connection:
        assert connection.execute("from silver.business_clock").fetchall() == [(date(2030, 1, 1),)]
        (day,) = connection.execute("select min(batch_date) from bronze.files").fetchone()
    with pytest.raises(ConfigurationError, match="dbt has run by hand since the last build"):
        forecast_sales(settings)

    # A click concerns none of the tables that tell ages.
    click = {"event_id": "E-hand", "session_id": "S-hand", "event_timestamp": f"{day}T10:00:00Z"}
    name = f"clickstream_{day:%Y_%m_%d}_again.ndjson"
    (settings.landing / name).write_text(json.dumps(click | {"event_type": "page_view"}) + "\n")
    outcome = run(settings, report=print)

    assert outcome.status == "published", outcome.error
    after = rows_of_gold(settings)
    assert len(after["fact_sessions"]) == len(before["fact_sessions"]) + 1
    for table in ("dim_customer", "customer_rfm", "fact_shipments"):
        assert after[table] == before[table]


def test_with_an_empty_landing_and_nothing_changed_dagster_is_not_started(copy_of_built):
    settings = copy_of_built()
    for path in settings.landing.iterdir():
        path.unlink()
    outcome = run(settings, report=print)
    assert (outcome.status, outcome.run_id) == ("unchanged", None)


def test_a_file_that_is_only_refused_is_seen_by_readers_and_asks_for_one_build(copy_of_built):
    settings = copy_of_built()
    for path in settings.landing.iterdir():
        path.unlink()
    before = rows_of_gold(settings)
    (settings.landing / "nobody_knows.txt").touch()
    outcome = run(settings, report=print)

    assert outcome.status == "published", outcome.error
    with closing(duckdb.connect(current_file(settings), read_only=True)) as reader:
        assert reader.execute(
            "select status from audit.file_ledger where file_name = 'nobody_knows.txt'"
        ).fetchall() == [("discarded",)]
    assert rows_of_gold(settings) == before
    assert run(settings, report=print).run_id is None


def test_demo_data_is_for_a_place_where_nothing_ever_landed(tmp_path: Path):
    settings = Settings(data_dir=tmp_path / "data")
    assert nothing_ever_landed(settings)
    with open_warehouse(settings) as connection:
        connection.execute("insert into bronze.files (file_id) values (1)")
    assert not nothing_ever_landed(settings)

    somebodys = Settings(data_dir=tmp_path / "other")
    somebodys.landing.mkdir(parents=True)
    assert not nothing_ever_landed(somebodys)


def test_a_wrong_contract_is_refused_before_anything_is_made(tmp_path: Path):
    settings = Settings(data_dir=tmp_path / "data", project_dir=tmp_path / "project")
    settings.contracts_file.parent.mkdir(parents=True)
    text = Settings(data_dir=tmp_path).contracts_file.read_text()
    settings.contracts_file.write_text(text.replace("format: csv", "format: xlsx", 1))
    with pytest.raises(
        ConfigurationError, match=r"sources\.yml: feed 'addresses': format is 'xlsx'"
    ):
        run(settings, report=print)
    assert not settings.data_dir.exists()


def test_a_second_writer_waits_and_says_for_whom(tmp_path: Path):
    settings = Settings(data_dir=tmp_path)
    code = (
        "import sys, pathlib; from orchestration.settings import Settings;"
        "from orchestration.warehouse import writer_lock\n"
        f"with writer_lock(Settings(data_dir=pathlib.Path({str(tmp_path)!r})), print):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    environment = {**os.environ, "PYTHONPATH": str(PROJECT_DIR)}
    other = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert other.stdout.readline() == "held\n"
    said: list[str] = []

    def hear(line: str) -> None:
        said.append(line)
        other.stdin.close()

    with writer_lock(settings, hear):
        assert said == [
            f"Another run (process {other.pid}) is writing the warehouse; waiting for its end."
        ]
    assert other.wait() == 0


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SETTLE_SECONDS", "soon"),
        ("SETTLE_SECONDS", "nan"),
        ("BATCH_TIMEOUT_MINUTES", "-1"),
        ("BATCH_TIMEOUT_MINUTES", "1e10"),
        ("VERSIONS_KEPT_DAYS", "1e9"),
        ("VERSIONS_KEPT", "1e300"),
        ("RUNS_KEPT", "inf"),
        ("RETRY_PAUSE_SECONDS", "1e12"),
        ("SENSOR_INTERVAL_SECONDS", "1e10"),
        ("MEMORY_LIMIT", "plenty"),
        ("MEMORY_LIMIT", "1KB"),
        ("MEMORY_LIMIT", "999999999TB"),
    ],
)
def test_a_wrong_setting_is_a_sentence_and_exit_code_2(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    result = CliRunner().invoke(cli, ["run"])
    assert result.exit_code == 2
    assert f"Error: Environment variable {variable} is '{value}'" in result.output


def test_what_duckdb_takes_for_memory_is_taken(tmp_path):
    for size in ("10MB", "0.5 gib", "1000TB"):
        settings = Settings.from_env({"DATA_DIR": str(tmp_path), "MEMORY_LIMIT": size})
        connect(settings).close()


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("shop#1", "has # in it"),
        ("shop?", "has ? in it"),
        ("shop\\", "has \\ at the end of a folder's name"),
        ("shop\\/data", "has \\ at the end of a folder's name"),
    ],
)
def test_a_folder_that_dbt_cannot_open_is_a_sentence_and_exit_code_2(
    monkeypatch, tmp_path, folder, words
):
    monkeypatch.setenv("DATA_DIR", str(tmp_path / folder))
    result = CliRunner().invoke(cli, ["run"])
    assert (result.exit_code, words in result.output) == (2, True), result.output
    assert not list(tmp_path.iterdir())


def test_an_empty_key_file_is_exit_code_2(monkeypatch, tmp_path):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    (tmp_path / KEY_FILE).touch()
    result = CliRunner().invoke(cli, ["run"])
    assert result.exit_code == 2
    assert "pii.key is empty. Restore it from a backup" in result.output


def test_a_data_dir_that_cannot_be_made_is_exit_code_2(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "file" / "data"))
    result = CliRunner().invoke(cli, ["run"])
    assert result.exit_code == 2
    assert "Error: " in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["retract", "orders_2025_01_15.csv", "--why", " "], "Nothing is decided: say why"),
        (["release", "2025-01-15", "--why", ""], "Nothing is decided: say why"),
        (["demo-data", "--start", "9999-12-31"], "leaves the calendar"),
        (["dashboard", "--port", "99999"], "1<=x<=65535"),
        (["up", "--port", "-1"], "1<=x<=65535"),
    ],
)
def test_an_option_that_cannot_be_meant_is_a_sentence_and_exit_code_2(
    monkeypatch, tmp_path, command, words
):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    result = CliRunner().invoke(cli, command)
    assert (result.exit_code, words in result.output) == (2, True), result.output


def test_status_of_a_fresh_folder_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    result = CliRunner().invoke(cli, ["status"])
    assert (result.exit_code, result.output) == (
        0,
        "Nothing was published yet. Load and build with: make run\n",
    )
    assert not list(tmp_path.iterdir())


def test_demo_data_lands_the_same_bytes_for_the_same_options(monkeypatch, tmp_path):
    contents = []
    for name in ("one", "two"):
        monkeypatch.setenv("DATA_DIR", str(tmp_path / name))
        result = CliRunner().invoke(cli, ["demo-data", "--days", "2", "--orders", "20"])
        assert result.exit_code == 0, result.output
        landing = tmp_path / name / "landing"
        contents.append({path.name: path.read_bytes() for path in landing.iterdir()})
    assert contents[0] == contents[1]
    assert len(contents[0]) == 20


def test_what_readers_see_is_summed_up(built):
    printed = io.StringIO()
    print_published(_console(printed), built.settings)
    told = tables_of(printed.getvalue())
    gold = [[name, f"{len(rows):,}"] for name, rows in sorted(rows_of_gold(built.settings).items())]
    assert told["Gold"] == [*gold[:20], [f"… and {len(gold) - 20} more"]]
    with closing(duckdb.connect(current_file(built.settings), read_only=True)) as reader:
        held = reader.execute("select feed, rejection_reasons from silver.quarantine").fetchall()
        days = reader.execute(
            "select date_day, sum(orders), sum(net_amount) from gold.agg_daily_sales"
            " where date_day <= '2025-01-15' group by all order by 1 desc limit 7"
        ).fetchall()
    reasons = Counter((feed, reason) for feed, reasons in held for reason in reasons)
    ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    assert told["Quarantine"][:20] == [[feed, reason, f"{n}"] for (feed, reason), n in ranked[:20]]
    assert told["Revenue of the last days"] == [
        [f"{day}", f"{orders:,}", f"{amount:,.2f}"] for day, orders, amount in days
    ]


def test_a_version_without_data_says_so(built, tmp_path):
    settings, printed = Settings(data_dir=tmp_path), io.StringIO()
    settings.published.mkdir()
    shutil.copyfile(current_file(built.settings), current_file(settings))
    with duckdb.connect(current_file(settings)) as connection:
        connection.execute("update audit.published set as_of_date = null")
    print_published(_console(printed), settings)
    assert " UTC, without data: no file counts.\n" in printed.getvalue()
    assert "Revenue of the last days" not in printed.getvalue()


def test_files_of_a_run_are_summed_up_and_what_a_batch_explains_is_said_once():
    def file(name, feed, status, rows=0, rejected=0, **more):
        given = {"file_name": name, "feed": feed, "status": status, "rows_loaded": rows}
        nothing = {"batch_id": None, "code": None, "reason": None}
        return given | {"rows_rejected": rejected} | nothing | more

    files = [
        file("a.csv", "orders", "loaded", 1200, 3),
        file("b.csv", "orders", "loaded", 34, 1),
        file("c.csv", "payments", "loaded", 5),
        file("d.csv", "payments", "held", batch_id="bad"),
        file("e.csv", "payments", "waiting", batch_id="another"),
        file("f.csv", "payments", "discarded", batch_id="bad", code="empty", reason="No row."),
    ]
    batches = [
        {"batch_id": "bad", "status": "held", "reason": "rows_mismatch."},
        {"batch_id": "good", "status": "loaded", "reason": None},
    ]
    printed = io.StringIO()
    _print_files(_console(printed), RunOutcome("published", "1", None, files, batches))
    assert tables_of(printed.getvalue()) == {
        "Loaded": [["orders", "2", "1,234", "4"], ["payments", "1", "5", "0"]],
        "Not loaded": [["e.csv", "waiting"], ["f.csv", "discarded", "empty", "No row."]],
        "Batches that are held or wait": [["bad", "held", "rows_mismatch."]],
    }


def test_a_failed_run_says_why_and_nothing_of_what_readers_see(built):
    printed = io.StringIO()
    outcome = RunOutcome("failed", "run-1", "The build failed.", [], [])
    print_run(_console(printed), built.settings, outcome)
    assert "\nThe build failed.\n" in printed.getvalue()
    assert "as run-1; dbt's log is logs/dbt.log." in printed.getvalue()
    assert "Published version" not in printed.getvalue()


def test_names_and_reasons_are_printed_as_they_are():
    printed = io.StringIO()
    row = ("orders_2025_01_15_[eu].csv", "its header has [/b]")
    _print_table(_console(printed), "Files", ("file", "reason"), [row])
    assert all(text in printed.getvalue() for text in row)


@pytest.mark.parametrize("writer", ["a run", "dbt by hand"])
def test_while_another_writes_a_run_still_says_what_it_published(
    copy_of_built, monkeypatch, writer
):
    settings = copy_of_built()
    monkeypatch.setattr("orchestration.warehouse._CONNECT_ATTEMPTS", 1)
    printed = io.StringIO()
    code = (
        f"import sys, duckdb; one = duckdb.connect({str(settings.warehouse)!r});"
        " print('held', flush=True); sys.stdin.read()"
    )
    with ExitStack() as stack:
        if writer == "a run":
            stack.enter_context(writer_lock(settings, print))
        else:
            other = subprocess.Popen(
                [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            stack.callback(other.communicate)
            assert other.stdout.readline() == b"held\n"
        print_run(_console(printed), settings, RunOutcome("published", "1", None, [], []))
        print_status(_console(printed), settings)
    assert "Published version 1" in printed.getvalue()
    assert "Read it: " in printed.getvalue()
    assert printed.getvalue().count(" is writing the warehouse now. See the rest after it:") == 2


def test_no_name_moves_the_cursor():
    printed = io.StringIO()
    file = {"file_name": "orders\x1b[2J.csv", "status": "discarded", "code": None, "reason": None}
    _print_files(_console(printed), RunOutcome("unchanged", None, None, [file], []))
    assert r"orders\x1b[2J.csv" in printed.getvalue()


def test_a_console_that_nobody_reads_goes_quiet_and_ends_nothing():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        console = _console(pipe)
        thread = threading.Thread(target=console.print, args=("a model is built",))
        thread.start()
        thread.join()
        console.print("and the next")
    with Path("/dev/full").open("w") as full:
        console = _console(full)
        console.print("a disk is full")
        assert console.quiet


def test_what_an_encoding_lacks_is_printed_by_its_number():
    printed = io.BytesIO()
    file = io.TextIOWrapper(printed, encoding="ascii")
    _console(file).print("orders_é.csv → archive")
    assert printed.getvalue() == b"orders_\\xe9.csv \\u2192 archive\n"


@pytest.mark.parametrize("redirection", [">&-", "> /dev/full", ">&- 2>&-"])
def test_a_command_ends_well_whatever_becomes_of_its_output(tmp_path, redirection):
    command = f"{shlex.quote(sys.executable)} -m orchestration status {redirection}"
    environment = {**os.environ, "DATA_DIR": str(tmp_path)}
    ended = subprocess.run(
        command, shell=True, cwd=PROJECT_DIR, env=environment, capture_output=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
