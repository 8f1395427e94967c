"""Erasing a person whose data is written, named or packed in unusual ways: bronze and the archive.

Without dbt, pages and publishing: what `test_erasure.py` has.
"""

import gzip
import json
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from person import ADA, ADDRESS, BOB, STREET, address, as_csv, as_ndjson, event, order, payment

from orchestration.contracts import load_contracts
from orchestration.erasure.delivered import rewrite
from orchestration.erasure.erase import _note_begin
from orchestration.erasure.files import Files, roots
from orchestration.erasure.find import contacts_of, find_rows, traces_of
from orchestration.erasure.look import look
from orchestration.erasure.tables import clear_tables
from orchestration.loader.load import connect, load_landing
from orchestration.people import key_of, person_hash
from orchestration.settings import Settings

BOB = BOB | {"first_name": "Bob"}
BOTH = json.dumps([BOB, ADA], ensure_ascii=False)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data_dir=tmp_path / "data", settle_seconds=0)
    for folder in (settings.landing, settings.warehouse.parent):
        folder.mkdir(parents=True)
    return settings


def load(settings: Settings, files: dict[str, str | bytes], said: list[str] | None = None):
    """File name → what became of it."""
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (settings.landing / name).write_bytes(data)
    contracts = load_contracts(settings.contracts_file)
    report = (lambda line: None) if said is None else said.append
    with closing(connect(settings)) as connection:
        loaded = load_landing(connection, settings, contracts, report=report)
    return {file.file_name: file.code or file.status for file in loaded.files}


def clear(settings: Settings, key: str = ADA["customer_id"]) -> set[Path]:
    """Clear files and bronze; the files in which telling values are left."""
    contracts = load_contracts(settings.contracts_file)
    with closing(connect(settings)) as connection:
        rows = find_rows(connection, contracts, key)
        contacts = contacts_of(connection, settings, contracts, rows, key)
        traces = traces_of(connection, contracts, rows, key, contacts)
        _note_begin(connection, person_hash(key_of(settings), key), "request 17")
        folders = roots(settings, settings.data_dir / "home")
        seen = look(folders, traces)
        files = Files(connection, settings, contracts, rows, traces)
        files.clear(seen)
        connection.execute("begin transaction")
        clear_tables(connection, contracts, rows, traces, sorted(files.with_traces))
        connection.execute("update audit.erasures set status = 'cleared'")
        connection.execute("commit")
    return {path for path in look(folders, traces, seen).telling if path != settings.warehouse}


def ask(settings: Settings, sql: str) -> list[tuple]:
    with closing(duckdb.connect(settings.warehouse, read_only=True)) as connection:
        return connection.execute(sql).fetchall()


def left(settings: Settings, *values: str) -> set[str]:
    """Names of delivered files that hold one of the values, in any case of ASCII."""
    return {
        path.name
        for folder in (settings.landing, settings.archive, settings.discarded)
        for path in folder.rglob("*")
        if path.is_file()
        and any(value.lower().encode() in path.read_bytes().lower() for value in values)
    }


@pytest.mark.parametrize("indent", [None, 1])
def test_bytes_that_were_refused_under_another_name_are_rewritten_as_they_were_read(
    settings, indent
):
    text = json.dumps([BOB, ADA], ensure_ascii=False, indent=indent)
    refused = load(settings, {"customers_2025_01_12.csv": text})
    assert refused["customers_2025_01_12.csv"] in ("unreadable", "missing_columns")
    assert load(settings, {"customers_2025_01_12.json": text}) == {
        "customers_2025_01_12.json": "loaded"
    }
    assert clear(settings) == set()
    archived = settings.archive / "customers" / "customers_2025_01_12.json"
    bob, ada = json.loads(archived.read_text())
    assert bob == BOB
    assert (ada["customer_id"], ada["first_name"], ada["email"]) == ("C-0815", None, None)

    # Delivered again, after the erasure, and in that order.
    ada = ADA | {"updated_at": "2025-01-14"}
    load(settings, {"customers_2025_01_14.csv": json.dumps([ada])})
    load(settings, {"customers_2025_01_14.json": json.dumps([ada])})
    assert "customers_2025_01_14.json" not in left(settings, ADA["email"])


@pytest.mark.parametrize("odd", ["1" * 5000, "[" * 1500 + "]" * 1500])
@pytest.mark.parametrize("write", ["[{}, {}]".format, "{}\n{}\n".format])
def test_what_python_would_not_read_is_rewritten(settings, odd, write):
    bob = json.dumps(BOB | {"loyalty_tier": "odd"}).replace('"odd"', odd)
    assert set(load(settings, {"customers_2025_01_12.json": write(bob, json.dumps(ADA))})) == {
        "customers_2025_01_12.json"
    }
    assert clear(settings) == set()
    (archived,) = (settings.archive / "customers").iterdir()
    assert bob in archived.read_text()
    assert left(settings, ADA["email"], ADA["last_name"]) == set()
    later = write(bob, json.dumps(ADA | {"updated_at": "2025-01-14"}))
    assert load(settings, {"customers_2025_01_14.json": later}).popitem()[1] == "loaded"
    assert left(settings, ADA["email"]) == set()


@pytest.mark.parametrize("again", ["C'0815", " C'0815 "])
def test_who_was_erased_is_known_however_their_key_is_written(settings, monkeypatch, again):
    hers = [event("E-1", customer_id=again), event("E-2", ip_address=ADDRESS)]
    first = as_ndjson(BOB, ADA | {"customer_id": " C'0815"})
    load(settings, {"customers_2025_01_12.json": first})
    assert clear(settings, "C'0815 ") == set()
    # Before a row reaches bronze, whose pages keep what they held: not only after.
    monkeypatch.setattr("orchestration.loader.load.blank_late", lambda run: None)
    later = ADA | {"customer_id": again, "updated_at": "2025-01-14"}
    load(settings, {"customers_2025_01_14.json": as_ndjson(later)})
    load(settings, {"clickstream_2025_01_14.ndjson": as_ndjson(*hers)})
    assert ask(settings, "select count(*), count(email) from bronze.customers") == [(3, 1)]
    assert ask(settings, "select count(ip_address) from bronze.clickstream") == [(0,)]
    assert left(settings, ADA["email"], ADDRESS) == set()


def test_what_turns_out_to_be_hers_loses_columns_that_left_the_contract_too(settings):
    load(settings, {"customers_2025_01_12.json": BOTH})
    clear(settings)
    load(settings, {"clickstream_2025_01_14.ndjson": as_ndjson(event("E-2", ip_address=ADDRESS))})
    with closing(connect(settings)) as connection:
        connection.execute("alter table bronze.clickstream add column hobby varchar")
        connection.execute("update bronze.clickstream set hobby = 'falconry'")
    later = as_ndjson(event("E-1", customer_id="C-0815"))
    load(settings, {"clickstream_2025_01_15.ndjson": later})
    kept = ask(settings, "select count(*), count(ip_address), count(hobby) from bronze.clickstream")
    assert kept == [(2, 0, 0)]
    assert left(settings, ADDRESS) == set()


def test_a_copy_that_could_not_be_moved_at_once_is_rewritten_where_it_comes_to_lie(
    settings, monkeypatch
):
    load(settings, {"customers_2025_01_12.json": BOTH})
    clear(settings)

    def fail(*_: object) -> None:
        raise OSError("no space")

    later = {"customers_2025_01_14.json": json.dumps([ADA | {"updated_at": "2025-01-14"}])}
    with monkeypatch.context() as patch:
        patch.setattr("orchestration.loader.file_load.move", fail)
        assert load(settings, later).popitem()[1] == "loaded"
    assert left(settings, ADA["email"]) == {"customers_2025_01_14.json"}
    load(settings, {})
    assert left(settings, ADA["email"]) == set()


def test_a_copy_that_cannot_be_rewritten_is_told_and_stops_no_load(settings, monkeypatch):
    load(settings, {"customers_2025_01_12.json": BOTH})
    clear(settings)

    def fail(data: bytes, *others: object) -> bytes:
        if b"2025-01-14" in data:
            raise ValueError("odd")
        return rewrite(data, *others)

    later = {
        f"customers_2025_01_{day}.json": json.dumps([ADA | {"updated_at": f"2025-01-{day}"}])
        for day in (14, 15)
    }
    said: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr("orchestration.loader.erased.rewrite", fail)
        assert [*load(settings, later, said).values()] == ["loaded", "loaded"]
    assert any("customers_2025_01_14.json does not read as it once did: odd" in one for one in said)
    assert left(settings, ADA["email"]) == {"customers_2025_01_14.json"}
    load(settings, {})
    assert left(settings, ADA["email"]) == set()


@pytest.mark.parametrize("phone", ["5551234", "20 25 01 12"])
def test_a_phone_number_that_is_a_key_an_amount_or_a_day_is_no_trace(settings, phone):
    orders = [
        order("5551233", "C-08") | {"total_amount": "55512.34"},
        order("5551234", "C-08") | {"order_date": "2025-01-12 10:00:00"},
        order("7", "C-0815"),
    ]
    customers = json.dumps([BOB, ADA | {"phone": phone}])
    load(
        settings, {"customers_2025_01_12.json": customers, "orders_2025_01_12.csv": as_csv(orders)}
    )
    delivered = (
        "select order_id, customer_id, order_date, total_amount from bronze.orders order by 1"
    )
    before = ask(settings, delivered)
    assert clear(settings) == set()
    assert ask(settings, delivered) == before
    assert (settings.archive / "orders" / "orders_2025_01_12.csv").read_bytes() == as_csv(
        orders
    ).encode()
    phones = ask(settings, "select phone from bronze.customers where customer_id = 'C-0815'")
    assert phones == [(None,)]
    assert left(settings, phone) <= {"orders_2025_01_12.csv"}


def php(row: dict) -> str:
    return json.dumps(row).replace("/", "\\/")


def dotnet(row: dict) -> str:
    return json.dumps(row).replace("+", "\\u002B").replace("@", "\\u0040")


def unicode(row: dict) -> str:
    return json.dumps(row, ensure_ascii=False)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (php, "who lives at Hauptstr. 77/9"),
        (dotnet, "call +49 1577 0815471"),
        (dotnet, "Adalwyna.Q@zephyr-mail.example"),
        (unicode, "mail to:\nAdalwyna.Q@zephyr-mail.example"),
        (unicode, "who lives at 9 KRÄHWEG"),
        (json.dumps, "call\t+49 1577 0815471"),
    ],
)
def test_what_she_is_known_by_is_found_however_json_writes_it(settings, write, said):
    search = event("E-3", session_id="S-9", search_query=said)
    load(
        settings,
        {
            "customers_2025_01_12.json": BOTH,
            "addresses_2025_01_12.csv": as_csv(
                [address("Hauptstr. 77/9", 10), address("9 Krähweg", 10) | {"address_id": "A-3"}]
            ),
            "clickstream_2025_01_12.ndjson": write(search) + "\n",
        },
    )
    assert clear(settings) == set()
    ((query,),) = ask(settings, "select search_query from bronze.clickstream")
    assert query.endswith("erased")
    archived = json.loads(
        (settings.archive / "clickstream" / "clickstream_2025_01_12.ndjson").read_text()
    )
    assert archived == search | {"search_query": query}


@pytest.mark.parametrize(
    "line",
    [
        "ADALWYNA,QUACKENBÜSH",
        "adalwyna;quackenbüsh",
        '"Adalwyna","Quackenb\\u00fcsh"',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_refused_line_with_both_names_goes_however_they_are_written(settings, line, encoding):
    load(settings, {"customers_2025_01_12.json": BOTH})
    load(settings, {"people.txt": f"1,Smith\n2,{line}\n".encode(encoding)})
    clear(settings)
    (refused,) = settings.discarded.rglob("people.txt")
    assert refused.read_text() == "1,Smith\nerased\n"


def test_a_session_and_a_payment_are_hers_whatever_blanks_stand_around_them(settings):
    with_blank = event("E-2", ip_address=ADDRESS, page_url="/secret") | {"session_id": "S-1 "}
    files = {
        "customers_2025_01_12.json": BOTH,
        "clickstream_2025_01_12.ndjson": as_ndjson(event("E-1", customer_id="C-0815"), with_blank),
        "orders_2025_01_12.csv": as_csv([order("O-1 ", " C-0815")]),
        "payments_2025_01_12.json": json.dumps([payment("T-1", "O-1") | {"order_id": " O-1"}]),
    }
    load(settings, files)
    clear(settings)
    kept = ask(settings, "select ip_address, page_url from bronze.clickstream")
    assert kept == [(None, None), (None, None)]
    assert ask(settings, "select device_fingerprint from bronze.payments") == [(None,)]
    assert left(settings, ADDRESS) == set()


@pytest.mark.parametrize("name", ["dump.duckdb.csv", "pii.key"])
def test_a_delivered_file_with_a_name_of_ours_is_cleared(settings, name):
    load(settings, {"customers_2025_01_12.json": BOTH, name: f"id,mail\n1,{ADA['email']}\n"})
    assert clear(settings) == set()
    assert left(settings, ADA["email"]) == set()


def test_a_gzip_that_is_cut_off_stays_so(settings):
    lines = as_csv(
        [order("O-1", "C-0815") | {"note": ADA["email"]}]
        + [order(f"O-{n}", "C-08") | {"note": str(n * 7919)} for n in range(2, 500)]
    )
    whole = gzip.compress(lines.encode())
    load(settings, {"customers_2025_01_12.json": BOTH})
    (settings.landing / "orders_2025_01_13.csv.gz").write_bytes(whole[: len(whole) // 2])
    clear(settings)
    assert load(settings, {}) == {"orders_2025_01_13.csv.gz": "bad_gzip"}


def test_what_is_said_of_a_refused_file_quotes_none_of_it(settings):
    refused = {
        "customers_2025_01_13.csv": '"' + json.dumps([ADA]),
        "customers_2025_01_13.ndjson": json.dumps(f"{ADA['first_name']} of {STREET}") + "\n",
    }
    assert set(load(settings, refused).values()) <= {"unreadable", "truncated", "bad_json"}
    reasons = [path.read_text() for path in settings.discarded.rglob("*.reason.json")]
    assert len(reasons) == 2
    assert not [one for one in reasons if "dalwyna" in one]
