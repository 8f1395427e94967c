"""Erasing a person: nothing of them is left in any byte, and no figure of gold moves."""

import csv
import gzip
import io
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from orchestration.contracts import load_contracts
from orchestration.erasure.erase import Certificate, erase
from orchestration.loader.load import connect, load_landing
from orchestration.publish import current_file
from orchestration.run import dagster_home, run
from orchestration.settings import Settings

ADA = {
    "customer_id": "C-0815",
    "first_name": "Adalwyna",
    "last_name": "Quackenbüsh",
    "email": "Adalwyna.Q@zephyr-mail.example",
    "phone": "+49 1577 0815471",
    "date_of_birth": "1971-03-04",
    "nickname": "wynadala",
    "preferences": {"categories": ["toys"], "communication": ["email"]},
    "updated_at": "2025-01-10T10:00:00Z",
}
STREET, OLD_STREET = "77 Nowherefield Lane", '5, Gasthaus "Zur Krähe"'
ADDRESS, DEVICE = "203.0.113.77", "fp-77aa77bb77cc"
BOB = ADA | {
    "customer_id": "C-08",
    "last_name": "Smith",
    "email": "bob@zephyr-mail.example",
    "nickname": "smithy",
    "phone": "+49 1577 1111111",
}
TRACES = [
    b"adalwyna.q",
    "quackenbüsh".encode(),
    "quackenbüsh".encode("latin-1"),
    b"quackenb\\u00fcsh",
    b"1577 0815471",
    b"15770815471",
    b"nowherefield",
    b"zur kr",
    b"wynadala",
    ADDRESS.encode(),
    DEVICE.encode(),
]


def as_csv(rows: list[dict]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_ndjson(*rows: dict) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def order(key: str, customer: str, day: str = "2025-01-12") -> dict:
    return {
        "order_id": key,
        "customer_id": customer,
        "order_date": f"{day}T10:00:00Z",
        "order_status": "completed",
        "total_amount": "30.00",
        "channel": "web",
        "updated_at": f"{day}T10:00:00Z",
    }


def payment(key: str, order_id: str) -> dict:
    return {
        "transaction_id": key,
        "order_id": order_id,
        "amount": 30.00,
        "status": "SUCCESS",
        "currency": "EUR",
        "transaction_timestamp": "2025-01-12T10:05:00Z",
        "ip_address": ADDRESS if order_id == "O-1" else "198.51.100.1",
        "device_fingerprint": DEVICE if order_id == "O-1" else "fp-bob-bob-bob",
    }


def event(key: str, **more: str) -> dict:
    return {
        "event_id": key,
        "session_id": "S-1",
        "event_type": "page_view",
        "event_timestamp": f"2025-01-12T09:0{key[-1]}:00Z",
        "page_url": "/home",
        **more,
    }


def address(street: str, day: int, customer: str = ADA["customer_id"]) -> dict:
    return {
        "address_id": "A-" + customer,
        "customer_id": customer,
        "address_line_1": street,
        "city": "Ulm",
        "postcode": "01234",
        "updated_at": f"2025-01-{day}",
    }


FIRST_DAY = {
    "customers_2025_01_12.json": "\ufeff" + json.dumps([BOB, ADA], indent=1, ensure_ascii=False),
    "addresses_2025_01_12.csv.gz": gzip.compress(
        as_csv([address(OLD_STREET, 10), address("1 Main St", 10, "C-08")]).encode("utf-16")
    ),
    "products_2025_01_12.ndjson": as_ndjson(
        {"product_id": "P-1", "product_name": "Duck", "price": "10", "updated_at": "2025-01-01"}
    ),
    "orders_2025_01_12.csv": as_csv(
        [order("O-1", "C-0815") | {"gift_to": ADA["email"]}, order("O-2", "C-08") | {"gift_to": ""}]
    ),
    "order_items_2025_01_12.csv": as_csv(
        [
            {
                "item_id": f"I-{n}",
                "order_id": f"O-{n}",
                "product_id": "P-1",
                "quantity": 3,
                "unit_price": "10",
                "updated_at": "2025-01-12",
            }
            for n in (1, 2)
        ]
    ),
    "payments_2025_01_12.json": json.dumps([payment("T-1", "O-1"), payment("T-2", "O-2")]),
    "clickstream_2025_01_12.ndjson": as_ndjson(
        event("E-1", ip_address=ADDRESS, page_url="/?mail=adalwyna.q%40zephyr-mail.example"),
        event("E-2", customer_id="C-0815"),
        event("E-3", session_id="S-2", search_query=f"write to {ADA['email'].lower()} please"),
        event("E-4", session_id="S-2", ip_address="198.51.100.1"),
    ),
}
SECOND_DAY = {
    # Changed data, a line that is refused, a held row; a duplicate; a correction of the first day.
    "customers_2025_01_13.ndjson": as_ndjson(
        ADA | {"phone": "+49-15770815471", "updated_at": "2025-01-13T10:00:00Z"},
        ADA | {"date_of_birth": "2031-01-01", "updated_at": "2025-01-13T11:00:00Z"},
    )
    + f'{{"customer_id": "C-0815", "email": "{ADA["email"]}"\n',
    "customers_2025_01_13_again.json": FIRST_DAY["customers_2025_01_12.json"],
    "addresses_2025_01_12.csv.gz": gzip.compress(as_csv([address(STREET, 10)]).encode()),
    "addresses_2025_01_13.csv": as_csv([address("1 Main St", 10, "C-08")] * 2)
    + f'A-9,C-0815,{STREET},one,field,too,many,here\n"unclosed {STREET}\n',
    "addresses_2025_01_13_b.csv": f"address_id,street\nA-7,{STREET}\nA-8,1 Main St\n",
    "trigger_2025_01_14.json": json.dumps(
        {"expected_files": ["customers_2025_01_14.json", "orders_2025_01_14.csv"]}
    ),
    "customers_2025_01_14.json": json.dumps([ADA, BOB]),
    "orders_2025_01_12_b.csv": as_csv([order("O-3", "C-0815", "2025-01-13")]),
}


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
    "select feed, business_key, rejection_reasons from silver.quarantine order by all",
]
LEDGER = """
select file_name, status, sha256, size_bytes, rows_read, rows_loaded, rows_rejected
from bronze.files order by file_id
"""


def figures(path: Path) -> list[list[tuple]]:
    """What orders, payments and visits come to: nothing of it may move."""
    return [ask(path, sql) for sql in FIGURES]


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
        for day in (FIRST_DAY, SECOND_DAY):
            drop(settings, day)
            outcome = run(settings, force=False, full_refresh=False, report=lambda line: None)
            assert outcome.status == "published", outcome.error
        # What a program might have written down.
        log = settings.data_dir / "dbt_log_path" / "dbt.log"
        log.write_text(f"{log.read_text()}\nfailed for {ADA['email']}, {STREET}\n")
        (settings.landing / ".customers_2025_01_15.json.part").write_text(ADA["email"])
        assert found(settings.data_dir)
        shutil.copytree(settings.data_dir, folder / "before")
        ledger = ask(settings.warehouse, LEDGER)
        before = figures(settings.warehouse)
        certificate = erase(
            settings, "C-0815", "request 17", dagster_home(settings), lambda line: None
        )
        yield Erased(settings, folder / "before", before, ledger, certificate)


def found(folder: Path) -> set[str]:
    """Files in whose bytes, unpacked, something of the person stands."""
    hits = set()
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            if data.startswith(b"\x1f\x8b"):
                data = gzip.decompress(data)
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
