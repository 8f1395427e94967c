"""Erasing a person: nothing of them is left in any byte, and no figure of gold moves."""

import gzip
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from person import (
    ADA,
    ADDRESS,
    BOB,
    FIRST_DAY,
    SECOND_DAY,
    STREET,
    TRACES,
    address,
    as_csv,
    order,
    payment,
)
from test_privacy import texts

from orchestration.cli import cli
from orchestration.contracts import load_contracts
from orchestration.erasure import erase as steps
from orchestration.erasure.erase import Certificate, ErasureError, erase
from orchestration.instance import dagster_home
from orchestration.loader.deliveries import Run, forget_reading, read_file, staging
from orchestration.loader.erased import blank_reading
from orchestration.loader.file_names import read_name
from orchestration.loader.ledger import Ledger
from orchestration.loader.load import connect, load_landing
from orchestration.loader.moves import copies_by_bytes
from orchestration.loader.reprocess import reprocess
from orchestration.loader.retract import retract
from orchestration.loader.spool import fingerprint
from orchestration.people import key_of, person_hash
from orchestration.publish import (
    current_file,
    current_version,
    publish,
    steward_edition,
    versions,
)
from orchestration.run import run
from orchestration.settings import ConfigurationError, Settings


def drop(settings: Settings, files: dict[str, str | bytes]) -> None:
    settings.landing.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (settings.landing / name).write_bytes(data)


def load(settings: Settings) -> dict[str, str]:
    contracts = load_contracts(settings.contracts_file)
    with closing(connect(settings)) as connection:
        report = load_landing(connection, settings, contracts)
    return {file.file_name: file.code or file.status for file in report.files}


def ask(path: Path, sql: str) -> list[tuple]:
    with closing(duckdb.connect(path, read_only=True)) as connection:
        return connection.execute(sql).fetchall()


FIGURES = [
    "select sum(net_amount), sum(quantity), count(*) from gold.fact_sales",
    "select sum(amount), count(*), count(distinct customer_key) from gold.fact_payments",
    "select sum(paid_amount), count(*) from gold.fact_orders",
    "from gold.agg_daily_sales order by all",
    "from gold.customer_orders order by all",
    "select customer_id, monetary, rfm_score from gold.customer_rfm order by all",
    "from gold.sales_funnel order by all",
    "select count(*), sum(events) from gold.fact_sessions",
    "select feed, business_key from silver.quarantine order by all",
]
LEDGER = """
select file_name, status, sha256, size_bytes, rows_read, rows_loaded, rows_rejected
from bronze.files order by file_id
"""


def figures(path: Path) -> list[list[tuple]]:
    """What orders, payments and visits come to: nothing of it may move."""
    return [ask(path, sql) for sql in FIGURES]


def zipped(text: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("all.csv", text)
    return data.getvalue()


# Street and town in each other's place; the next day's delivery corrects it.
SWAPPED = address(STREET, 10) | {"address_id": "A-2", "address_line_1": "Ulm", "city": STREET}
CORRECTED = SWAPPED | {"address_line_1": STREET, "city": "Ulm"}
DAYS = (
    FIRST_DAY | {"addresses_2025_01_11.csv": as_csv([SWAPPED]), "photo.png": b"\x89PNG\0"},
    SECOND_DAY
    | {"addresses_2025_01_11.csv": as_csv([CORRECTED]), "all customers.zip": zipped(as_csv([ADA]))},
)


@dataclass(frozen=True)
class Erased:
    """A warehouse with a person, as it was before and after she was erased."""

    settings: Settings
    before: Path
    figures: list[list[tuple]]
    ledger: list[tuple]
    certificate: Certificate


@pytest.fixture(scope="module")
def erased(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Erased]:
    folder = tmp_path_factory.mktemp("erasure")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DAGSTER_HOME", "DBT_TARGET_PATH", "DBT_LOG_PATH"):
            patch.setenv(name, str(folder / "data" / name.lower()))
        settings = Settings(data_dir=folder / "data", settle_seconds=0)
        for day in DAYS:
            drop(settings, day)
            outcome = run(settings, report=lambda line: None)
            assert outcome.status == "published", outcome.error
        # What a program might have written down.
        log = settings.data_dir / "dbt_log_path" / "dbt.log"
        log.write_text(f"{log.read_text()}\nfailed for {ADA['email']}, {STREET}\n")
        leave(settings, written_at=0)
        assert found(settings.data_dir)
        shutil.copytree(settings.data_dir, folder / "before")
        ledger = ask(settings.warehouse, LEDGER)
        before = figures(settings.warehouse)
        certificate = erase(
            settings, "C-0815", "request 17", dagster_home(settings), lambda line: None
        )
        yield Erased(settings, folder / "before", before, ledger, certificate)


def leave(settings: Settings, written_at: float) -> Path:
    """A file that names her and is called unfinished, last written to at some Unix time."""
    path = settings.landing / ".customers_2025_01_15.json.part"
    path.write_text(ADA["email"])
    os.utime(path, (written_at, written_at))
    return path


def found(folder: Path) -> set[str]:
    """Files in whose bytes, unpacked, something of the person stands."""
    hits = set()
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            if data.startswith(b"\x1f\x8b"):
                data = gzip.decompress(data)
            if data.startswith(b"PK"):
                with zipfile.ZipFile(io.BytesIO(data)) as archive:
                    data = b"".join(map(archive.read, archive.namelist()))
            data = data.replace(b"\0", b"").lower()
            hits |= {f"{path.relative_to(folder)}: {one}" for one in TRACES if one in data}
    return hits


def test_no_byte_of_the_person_is_left(erased):
    assert found(erased.settings.data_dir) == set()


def test_before_there_was_something_in_every_place(erased):
    places = {hit.split("/")[0] for hit in found(erased.before)}
    assert places >= {"archive", "discarded", "landing", "warehouse", "published", "dbt_log_path"}


def test_figures_and_ledger_are_as_they_were(erased):
    assert figures(erased.settings.warehouse) == erased.figures
    assert ask(erased.settings.warehouse, LEDGER) == erased.ledger
    assert figures(current_file(erased.settings)) == erased.figures


def test_the_certificate_says_what_was_done_and_not_to_whom(erased):
    (row,) = ask(
        erased.settings.warehouse,
        "select person_hash, why, status, completed_at > requested_at, places, published_version"
        " from audit.erasures",
    )
    hashed = person_hash(key_of(erased.settings), "C-0815")
    places = erased.certificate.places
    assert row == (hashed, "request 17", "complete", True, json.dumps(places), 3)
    assert erased.certificate.version == current_version(erased.settings) == 3
    assert places["bronze.customers"] == 3
    assert places["bronze.rejected_rows"] == 3
    assert places["landing"] == 2


def test_what_no_search_can_read_is_named(erased, monkeypatch):
    (picture,) = erased.certificate.unread
    assert picture == next(erased.settings.discarded.rglob("photo.png")).resolve()
    monkeypatch.setattr(steps, "erase", lambda *_: erased.certificate)
    told = CliRunner().invoke(cli, ["erase", "C-0815", "--why", "request 17"]).output
    assert f"remove what is theirs:\n{picture}\nErased. Readers see version 3;" in told


def test_what_was_made_of_her_data_is_gone_too(erased):
    old = ask(
        erased.before / "warehouse" / "warehouse.duckdb",
        "select email_hash, version_hash from silver.stg_customers where customer_id = 'C-0815'",
    )
    hashes = {value for row in old for value in row}
    assert len(hashes) > 3
    for path in (erased.settings.warehouse, current_file(erased.settings)):
        with closing(duckdb.connect(path, read_only=True)) as connection:
            assert not hashes & set().union(*texts(connection).values())
        assert ask(path, HER_DIMENSION) == [(None, None, False, None, None, None)]
    data = erased.settings.warehouse.read_bytes() + current_file(erased.settings).read_bytes()
    assert not [one for one in hashes if one.encode() in data]


HER_DIMENSION = """
select distinct email_hash, email_domain, has_email, phone_masked, birth_year, age
from gold.dim_customer where customer_id = 'C-0815'
"""


def test_what_was_once_believed_does_not_keep_a_value_in_the_wrong_column(erased):
    beliefs = (
        "select city, dbt_valid_to is null from snapshots.addresses_history"
        " where address_id = 'A-2' order by dbt_valid_from"
    )
    before = ask(erased.before / "warehouse" / "warehouse.duckdb", beliefs)
    assert before == [(STREET, False), ("Ulm", True)]
    after = ask(erased.settings.warehouse, beliefs)
    assert after[0] == ("erased", False)
    for path in (erased.settings.warehouse, current_file(erased.settings)):
        with closing(duckdb.connect(path, read_only=True)) as connection:
            assert not {STREET} & set().union(*texts(connection).values())


def test_analysts_read_the_certificate_without_its_reason(erased):
    (row,) = ask(
        current_file(erased.settings),
        "select person_hash, status from audit.erasures",
    )
    assert row == (person_hash(key_of(erased.settings), "C-0815"), "cleared")
    with closing(duckdb.connect(current_file(erased.settings), read_only=True)) as connection:
        columns = [name for name, *_ in connection.execute("describe audit.erasures").fetchall()]
    assert columns[0] == "person_hash"
    assert "why" not in columns


def test_others_are_as_they_were(erased):
    bob = (
        "select * exclude (_file_id) from bronze.customers where customer_id = 'C-08' order by all"
    )
    before = ask(erased.before / "warehouse" / "warehouse.duckdb", bob)
    assert ask(erased.settings.warehouse, bob) == before != []
    (contact,) = ask(
        steward_edition(erased.settings).current,
        "select first_name, email from steward.customers where customer_id = 'C-08'",
    )
    assert contact == (BOB["first_name"], BOB["email"])
    # The analysts' file came to be as a part of the warehouse's new one.
    assert BOB["email"].encode() not in current_file(erased.settings).read_bytes()
    assert not [*erased.settings.warehouse.parent.glob(f".{erased.settings.warehouse.name}*")]
    archived = erased.settings.archive / "customers" / "customers_2025_01_12.json"
    original = (erased.before / "archive" / "customers" / "customers_2025_01_12.json").read_text()
    begin, end = original.index("{"), original.index("}", original.index("smithy"))
    assert original[:end] == archived.read_text()[:end] != original[:begin]


def test_rewritten_files_read_as_the_rows_of_bronze(erased, tmp_path):
    settings = erased.settings
    contracts = load_contracts(settings.contracts_file)
    with closing(connect(settings)) as connection:
        ledger = Ledger(connection)
        moment = datetime(2025, 1, 20, tzinfo=UTC)
        one = Run(connection, settings, contracts, ledger, lambda: moment, print)
        compared = 0
        with staging(connection):
            for entry in ledger.where("true"):
                if entry.rows_loaded is None:
                    continue
                (path, *_) = copies_by_bytes(settings.archive / entry.feed, ledger.contents(entry))
                # A copy whose name was taken has a number behind it.
                path = shutil.copy(path, tmp_path / entry.file_name)
                name = read_name(entry.file_name, one.feeds, moment.date())
                reading = read_file(one, path, name, contracts[entry.feed], fingerprint(path))
                blank_reading(one, entry.feed, reading)
                assert (reading.rows_loaded, reading.rows_rejected) == (
                    entry.rows_loaded,
                    entry.rows_rejected,
                )
                stored = (
                    "(select * exclude (_file_id, _batch_date)"
                    f" from bronze.{entry.feed} where _file_id = {entry.file_id})"
                )
                for left, right in ((stored, reading.table), (reading.table, stored)):
                    query = f"select * from {left} except all select * from {right}"
                    assert connection.execute(query).fetchall() == [], (entry.file_name, query)
                forget_reading(one, reading)
                compared += 1
    assert compared > 8


def test_versions_before_are_gone_in_both_editions(erased):
    assert list(versions(erased.settings)) == [3]
    assert list(steward_edition(erased.settings).versions()) == [3]
    assert list(versions(replace(erased.settings, data_dir=erased.before))) == [1, 2]


@pytest.mark.parametrize(
    ("customer", "why", "message"),
    [
        ("C-4711", "asked", "No customer 'C-4711' was ever delivered"),
        ("C-08", "asked by Bob@zephyr-mail.example", "--why names the person"),
        ("C-08", "Smith wrote", "--why names the person"),
    ],
)
def test_an_erasure_that_must_not_begin(erased, customer, why, message):
    with pytest.raises(ConfigurationError, match=message):
        erase(erased.settings, customer, why, erased.settings.data_dir, print)
    assert ask(erased.settings.warehouse, "select count(*) from audit.erasures") == [(1,)]


@pytest.fixture
def copied(erased, tmp_path) -> Settings:
    shutil.copytree(erased.settings.data_dir, tmp_path / "data")
    return replace(erased.settings, data_dir=tmp_path / "data")


def test_who_was_erased_is_not_taken_in_again(copied):
    drop(
        copied,
        {
            "customers_2025_01_12.json": FIRST_DAY["customers_2025_01_12.json"],
            "payments_2025_01_15.json": json.dumps(
                [payment("T-9", "O-9") | {"ip_address": ADDRESS}]
            ),
            "orders_2025_01_14.csv": as_csv([order("O-8", "C-0815", "2025-01-14")]),
            "customers_2025_01_16.json.gz": gzip.compress(json.dumps([BOB, ADA]).encode("utf-16")),
        },
    )
    assert load(copied) == {
        "customers_2025_01_12.json": "duplicate",
        "customers_2025_01_14.json": "loaded",
        "customers_2025_01_16.json.gz": "loaded",
        "orders_2025_01_14.csv": "loaded",
        "payments_2025_01_15.json": "loaded",
    }
    drop(copied, {"orders_2025_01_17.csv": as_csv([order("O-9", "C-0815", "2025-01-17")])})
    assert load(copied) == {"orders_2025_01_17.csv": "loaded"}
    rows = "select count(*), count(email), count(phone) from bronze.customers"
    assert ask(copied.warehouse, f"{rows} where customer_id = 'C-0815'") == [(5, 0, 0)]
    assert ask(copied.warehouse, f"{rows} where customer_id = 'C-08'") == [(3, 3, 3)]
    late = "select ip_address, device_fingerprint from bronze.payments where order_id = 'O-9'"
    assert ask(copied.warehouse, late) == [(None, None)]
    touched = "select feed from changes.patched_rows order by number desc limit 1"
    assert ask(copied.warehouse, touched) == [("payments",)]
    # The payment came before anybody knew whose it was: pages of the file have held it.
    hits = {hit for hit in found(copied.data_dir) if not hit.startswith("warehouse/")}
    assert hits == set()


def test_a_discarded_file_can_still_be_put_back(copied):
    with closing(connect(copied)) as connection:
        path = reprocess(connection, copied, "addresses_2025_01_13_b.csv", "a try")
    assert path.read_text() == "address_id,street\nerased\nA-8,1 Main St\n"


def test_a_duplicate_stands_in_without_her(copied):
    with closing(connect(copied)) as connection:
        retract(connection, "customers_2025_01_12.json", "wrong file")
    assert load(copied)["customers_2025_01_13_again.json"] == "loaded"
    (row,) = ask(
        copied.warehouse,
        "select status, rows_loaded, count(customers.email), count(*) from bronze.files"
        " inner join bronze.customers as customers on file_id = _file_id"
        " where file_name = 'customers_2025_01_13_again.json' group by all",
    )
    assert row == ("loaded", 2, 1, 2)
    assert found(copied.data_dir) == set()


KILLED = """
import importlib, itertools, os, signal, sys
from pathlib import Path
from orchestration.erasure.erase import erase
from orchestration.settings import Settings

data, home, name, step, call = sys.argv[1:]
module = importlib.import_module(name)
calls, original = itertools.count(1), getattr(module, step)

def dies(*arguments, **options):
    if next(calls) == int(call):
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments, **options)

setattr(module, step, dies)
erase(Settings(data_dir=Path(data)), "C-0815", "request 17", Path(home), print)
"""


def killed_in(settings: Settings, module: str, step: str, call: int = 1) -> None:
    """Erase in a process of its own, which is killed where it would call a step."""
    arguments = [settings.data_dir, dagster_home(settings), module, step, call]
    child = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, arguments)],
        cwd=settings.project_dir,
        capture_output=True,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()


def test_an_erasure_that_was_killed_ends_when_it_is_begun_again(erased, tmp_path, monkeypatch):
    for name in ("DAGSTER_HOME", "DBT_TARGET_PATH", "DBT_LOG_PATH"):
        monkeypatch.setenv(name, str(tmp_path / "data" / name.lower()))
    shutil.copytree(erased.before, tmp_path / "data")
    settings = replace(erased.settings, data_dir=tmp_path / "data")

    killed_in(settings, "orchestration.loader.erased", "replace_file", call=3)
    killed_in(settings, "orchestration.erasure.erase", "clear_tables")
    # A load in between neither heals too much nor forgets whom to look for.
    assert set(load(settings).values()) <= {"waiting"}
    killed_in(settings, "orchestration.erasure.erase", "rewrite_warehouse")
    assert found(settings.data_dir)
    leave(settings, written_at=time.time())
    with pytest.raises(ErasureError, match=r"1 file: .*\.part\. Files in landing are still being"):
        erase(settings, "C-0815", "request 17", dagster_home(settings), lambda line: None)
    leave(settings, written_at=0)

    def publish_and_write_a_log(*arguments, **options):
        published = publish(*arguments, **options)
        (settings.data_dir / "late.log").write_text(STREET)
        return published

    with monkeypatch.context() as patch, pytest.raises(ErasureError, match=r"late\.log\. Close"):
        patch.setattr(steps, "publish", publish_and_write_a_log)
        erase(settings, "C-0815", "request 17", dagster_home(settings), lambda line: None)
    # The attempt that failed has not forgotten whom to look for.
    erase(settings, "C-0815", "request 17", dagster_home(settings), lambda line: None)
    assert found(settings.data_dir) == set()
    assert figures(settings.warehouse) == erased.figures
    assert ask(settings.warehouse, LEDGER) == erased.ledger
    said = "select status, why, places ->> '$.\"bronze.customers\"' from audit.erasures"
    assert ask(settings.warehouse, said) == [("complete", "request 17", "3")]
