"""Files that name a person: refused, broken, or still being written."""

import bz2
import codecs
import gzip
import io
import json
import lzma
import os
import shutil
import sqlite3
import time
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from person import ADA, BOB, STREET, address, as_csv, as_ndjson

from orchestration.contracts import load_contracts
from orchestration.erasure import erase as steps
from orchestration.erasure import files as clearing
from orchestration.erasure import look as looking
from orchestration.erasure.delivered import rewrite
from orchestration.erasure.erase import ErasureError, erase
from orchestration.erasure.files import Files, roots
from orchestration.erasure.find import contacts_of, find_rows, is_built, traces_of
from orchestration.erasure.look import Seen, files_under, look
from orchestration.erasure.pages import remove_drafts, rewrite_warehouse
from orchestration.erasure.patches import lines_of_patches
from orchestration.erasure.segments import without_records
from orchestration.erasure.tables import clear_tables
from orchestration.erasure.traces import Traces
from orchestration.loader.erased import read_whole, replace_file
from orchestration.loader.landing import Note, Notes, list_landing, write_notes
from orchestration.loader.load import connect, load_landing
from orchestration.loader.reprocess import reprocess
from orchestration.loader.retract import retract
from orchestration.people import blanked, holds_something
from orchestration.settings import ConfigurationError, Settings

HERS = Traces.of(ADA["customer_id"], [ADA["email"], "Adalwyna", "Quackenbüsh", STREET, "9 Krähweg"])
CYN = BOB | {"customer_id": "C-9", "nickname": "cyn"}
BIRTHDAY = ADA["date_of_birth"]
BOBS = BOB | {"first_name": "Bob", "date_of_birth": "1980-01-01"}
CYNS = CYN | {"first_name": "Cyn", "date_of_birth": "1981-01-01"}
LONG_AGO = time.time() - 86400


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data_dir=tmp_path / "data", settle_seconds=5)
    for folder in (settings.landing, settings.discarded / "customers", settings.warehouse.parent):
        folder.mkdir(parents=True)
    return settings


def put(path: Path, data: str | bytes, changed_at: float = LONG_AGO) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    os.utime(path, (changed_at, changed_at))
    return path


def clear(settings: Settings) -> tuple[list[Path], Seen]:
    """Clear all files; those that were left because somebody writes them, and a look after."""
    contracts = load_contracts(settings.contracts_file)
    with closing(connect(settings)) as connection:
        rows = find_rows(connection, contracts, HERS.customer_id)
        folders = roots(settings, settings.data_dir / "home")
        seen = look(folders, HERS)
        hers = Files(connection, settings, contracts, rows, HERS)
        written = hers.being_written(seen)
        hers.clear(seen)
        clear_tables(connection, contracts, rows, HERS, [])
    return written, look(folders, HERS)


@pytest.mark.parametrize(
    "name",
    [
        ".orders_2025_01_12.csv.part",
        "orders_2025_01_12.csv.tmp",
        "_orders_2025_01_12.csv",
        "orders.csv.crdownload",
    ],
)
def test_what_is_called_unfinished_is_left_until_a_batch_would_be_late(settings, name):
    path = put(settings.landing / name, ADA["email"], time.time() - 600)
    inode = path.stat().st_ino
    written, seen = clear(settings)
    assert written == [path.resolve()]
    assert seen.telling == {path.resolve()}
    assert (path.stat().st_ino, path.read_text()) == (inode, ADA["email"])

    put(path, ADA["email"], time.time() - 60 * settings.batch_timeout_minutes - 1)
    assert clear(settings)[0] == []
    assert path.read_text() == "erased"


@pytest.mark.parametrize("name", ["addresses_2025_01_12.csv", "trigger_2025_01_12.json", "x.csv"])
def test_what_has_not_settled_in_landing_is_left(settings, name):
    content = as_csv([address(STREET, 12)])
    path = put(settings.landing / name, content, time.time() + 600)
    assert clear(settings)[0] == [path.resolve()]
    assert path.read_bytes() == content.encode()

    # A load has seen it as it is: a clock that is ahead does not make it new for ever.
    (landed,) = list_landing(settings, {}, None).values()
    write_notes(settings, Notes({name: Note(*landed.state, LONG_AGO, "unsettled")}))
    written, seen = clear(settings)
    assert written == []
    assert seen.telling == set()


@pytest.mark.parametrize("written", ["a\nb\n", "b\n"], ids=["longer", "as long"])
def test_a_file_that_was_written_to_is_not_replaced(tmp_path, written):
    path = put(tmp_path / "orders.csv", "a\n")
    data, state = read_whole(path)
    path.write_text(written)
    with pytest.raises(OSError, match=r"orders\.csv was written to while it was read\. Close"):
        replace_file(path, data, state)
    assert path.read_text() == written
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["orders.csv", "ü" * 125 + ".csv"], ids=["short", "long"])
def test_a_replaced_file_is_known_before_and_keeps_its_mode_and_times(tmp_path, name):
    path = put(tmp_path / name, "a\n")
    path.chmod(0o440)
    _, state = read_whole(path)
    known = []
    replace_file(path, b"bc\n", state, lambda _, size: known.append((size, path.read_text())))
    assert known == [(3, "a\n")]
    assert path.read_text() == "bc\n"
    after = path.stat()
    assert (after.st_mode, after.st_mtime_ns) == (state.st_mode, state.st_mtime_ns)
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_crash_left_of_a_replacement_is_made_anew(tmp_path):
    path = put(tmp_path / "orders.csv", "a\n")
    # Nobody but root may write to a draft that has the mode of a file that is read alone.
    left = put(tmp_path / ".orders.csv.erasing", "c\n")
    linked = tmp_path / "linked"
    os.link(left, linked)
    replace_file(path, b"b\n", path.stat())
    assert (path.read_text(), linked.read_text()) == ("b\n", "c\n")
    assert {*tmp_path.iterdir()} == {path, linked}


def pretty(*rows: dict) -> str:
    return json.dumps(rows, indent=2, ensure_ascii=False)


REFUSED = {
    "whole": pretty(BOBS, ADA, CYNS),
    "cut off behind others": pretty(BOBS, CYNS, ADA)[:-40],
    "a missing comma": pretty(BOBS, ADA, CYNS).replace('"C-0815",', '"C-0815"'),
    "a missing quote": pretty(BOBS, ADA, CYNS).replace('"Adalwyna",', '"Adalwyna,'),
    "a quoted brace": pretty(BOBS, ADA | {"nickname": 'wy}na"{'}, CYNS),
    "a missing brace": pretty(BOBS, ADA, CYNS).replace(
        '{\n    "customer_id": "C-0815"', '"id": "C-0815"'
    ),
    "concatenated": "\n".join(json.dumps(row, indent=2) for row in (BOBS, ADA, CYNS)),
    "in one line": json.dumps([BOBS, ADA, CYNS]) + "?",
    "a wrapper with more in it": json.dumps(
        {"by": {"name": "shop"}, "customers": [BOBS, ADA, CYNS]}, indent=2
    ),
    "a wrapper": json.dumps({"count": 3, "customers": [BOBS, ADA, CYNS]}, indent=2),
    "behind a line of a log": "3 rows\n" + pretty(BOBS, ADA, CYNS),
    "line by line, unclosed": as_ndjson(BOBS) + json.dumps(ADA)[:-1] + "\n" + as_ndjson(CYNS),
    "an array of lines, unclosed": f"[{json.dumps(BOBS)},\n{json.dumps(ADA)[:-1]},\n"
    f"{json.dumps(CYNS)}\n]",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("folder", ["landing", "discarded"])
def test_refused_json_loses_her_records_and_no_other(settings, text, folder):
    places = {"landing": settings.landing, "discarded": settings.discarded / "customers"}
    path = put(places[folder] / "unknown_2025_01_12.json", text)
    assert clear(settings)[0] == []
    after = path.read_text()
    for value in ("C-0815", "Adalwyna", "Quack", BIRTHDAY):
        assert value not in after
    for value in ('"C-08"', '"Bob"', "1980-01-01", '"C-9"', '"Cyn"', "1981-01-01"):
        assert value in after, after
    assert after.count("erased") == 1


def test_whole_json_stays_json():
    after = json.loads(without_records(pretty(BOBS, ADA), HERS))
    assert after == [BOBS, "erased"]


def test_csv_loses_the_lines_that_name_her():
    text = 'id,more\nC-0815,"{""a"": 1}"\nC-9,"[{""a"": 1}]"\n'
    assert without_records(text, HERS) == 'id,more\nerased\nC-9,"[{""a"": 1}]"\n'


@pytest.mark.parametrize("odd", ["NaN", "Infinity", "-Infinity", '"\\ud800"'])
def test_a_line_that_the_loader_refuses_is_no_record(settings, odd):
    contract = load_contracts(settings.contracts_file)["customers"]
    hers = json.dumps(ADA)[:-1] + f', "score": {odd}}}\n'
    others = as_ndjson(CYNS | {"nickname": f"wrote to {ADA['email']}"})
    text = as_ndjson(BOBS) + hers + others
    after = rewrite(text.encode(), contract, "json", {}, HERS.is_about, str)
    assert after.decode() == as_ndjson(BOBS) + '"erased"\n' + others


def test_a_rewritten_csv_reads_as_before_but_for_what_is_personal(settings):
    contract = load_contracts(settings.contracts_file)["customers"]
    text = (
        "customer_id,_op,Email,gender,loyalty_tier,hobby,first_name,last_name\r\n"
        'C-08,,bob@x.example,"NULL", a ,chess,Bob,\r\n'
        'C-0815,delete,ada@x.example,"NULL"," a ",chess,"Ada\r\nW.",\r\n'
        "C-0815,one,two\n"
        "C-9,,cyn@x.example,,,,Cyn,"
    )
    left = (
        "customer_id,_op,Email,gender,loyalty_tier,hobby,first_name,last_name\r\n"
        'C-08,,bob@x.example,"NULL", a ,chess,Bob,\r\n'
        'C-0815,delete,,"NULL"," a ",,erased,\r\n'
        "erased,,,,,,,,\n"
        "C-9,,cyn@x.example,,,,Cyn,"
    )
    rows = {2: frozenset({"first_name", "last_name"})}
    after = rewrite(text.encode(), contract, "csv", rows, HERS.is_about, str)
    assert after.decode() == left


@pytest.mark.parametrize(
    ("kind", "left"),
    [("text", "erased"), ("date", "1900-01-01"), ("json", "{}"), ("decimal(10,2)", "0")],
)
def test_a_required_value_leaves_one_of_its_type(settings, kind, left):
    contract = load_contracts(settings.contracts_file)["customers"]
    columns = tuple(
        replace(column, type=kind, required=True) if column.name == "phone" else column
        for column in contract.columns
    )
    contract = replace(contract, columns=columns)
    text = json.dumps([ADA])
    (ada,) = json.loads(rewrite(text.encode(), contract, "json", {1: set()}, HERS.is_about, str))
    assert (ada["phone"], ada["email"]) == (left, None)
    with duckdb.connect() as connection:
        names = ", ".join(f"'x' as {name}" for name in (*contract.column_names, "_rescued"))
        connection.execute(f"create table customers as select {names}")
        connection.execute(f"update customers set {blanked(contract)}")
        assert connection.execute("select phone, email from customers").fetchone() == (left, None)
        # Another row was refused for its own value.
        connection.execute("insert into customers (phone) values ('erased')")
        is_left = connection.execute(f"select {holds_something(contract)} from customers")
        assert is_left.fetchall() == [(False,), (False,)]


def test_lines_behind_one_that_is_an_array_are_records(settings):
    contract = load_contracts(settings.contracts_file)["customers"]
    text = '["v1"]\n' + as_ndjson(BOBS, ADA)
    after = rewrite(text.encode(), contract, "json", {3: frozenset()}, HERS.is_about, str).decode()
    assert after.startswith('["v1"]\n' + as_ndjson(BOBS))
    assert "C-0815" in after and "Adalwyna" not in after


def test_an_archived_file_loses_a_refused_line_that_tells_no_more_than_her_name(settings):
    line = (
        f'{{"first_name": "Adalwyna", "last_name": "Quackenbüsh", "x": "{BIRTHDAY}", "y": NaN}}\n'
    )
    put(settings.landing / "customers_2025_01_12.ndjson", as_ndjson(BOBS) + line)
    with closing(connect(settings)) as connection:
        contracts = load_contracts(settings.contracts_file)
        (file,) = load_landing(connection, settings, contracts).files
        assert (file.status, file.rows_rejected) == ("loaded", 1)
    spilled = settings.spill / "duckdb_temp_storage_S32K-0.tmp"
    spilled.parent.mkdir(exist_ok=True)
    put(spilled, bytes(64))
    clear(settings)
    (path,) = (settings.archive / "customers").iterdir()
    assert path.read_text() == as_ndjson(BOBS) + '"erased"\n'
    assert not spilled.exists()


BROKEN = {
    "UTF-16, an odd byte": codecs.BOM_UTF16_LE
    + "id,mail\nC-0815,9 Krähweg\nC-9,Köln\n".encode("utf-16-le")
    + b"x",
    "UTF-8 with a mark, a byte of Latin-1": codecs.BOM_UTF8
    + "id,mail\nC-0815,9 Krähweg\nC-9,Köln\n".encode()
    + b"\xfc\n",
    "UTF-8, a byte of Latin-1": "id\nC-0815,9 Krähweg\nC-9,Köln\n".encode() + b"\xfc\n",
    "Latin-1": "id\nC-0815,9 Krähweg\nC-9,Köln\n".encode("latin-1"),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("folder", ["discarded", "landing"])
def test_a_broken_encoding_does_not_keep_her(settings, data, pack, folder):
    names = {
        "discarded": settings.discarded / "customers" / "customers_2025_01_12.csv",
        "landing": settings.landing / "trigger_2025_01_12.json",
    }
    path = put(names[folder], pack(data))
    assert look([settings.data_dir], HERS).telling == {path.resolve()}
    _, seen = clear(settings)
    assert seen.telling == set()
    after = path.read_bytes()
    after = gzip.decompress(after) if pack == gzip.compress else after
    # A trigger loses values, no lines. Whatever was no text stays, but for half a character.
    if folder == "landing":
        for encoding in ("utf-8", "latin-1", "utf-16-le"):
            hers = "9 Krähweg".encode(encoding)
            if hers in data:
                assert after.removesuffix(b"\xfd\xff") == data.replace(
                    hers, "erased".encode(encoding)
                ).removesuffix(b"x")


def zipped(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
PACKINGS = {
    "bzip2": (bz2.compress, bz2.decompress),
    "xz": (lzma.compress, lzma.decompress),
    "gzip twice": (
        lambda data: gzip.compress(gzip.compress(data)),
        lambda data: gzip.decompress(gzip.decompress(data)),
    ),
    "zip": (
        lambda data: zipped({"a picture": PICTURE, "customers.csv": data}),
        lambda data: unzipped(data)["customers.csv"],
    ),
    "gzip in a zip in gzip": (
        lambda data: gzip.compress(zipped({"customers.csv.gz": gzip.compress(data)})),
        lambda data: gzip.decompress(unzipped(gzip.decompress(data))["customers.csv.gz"]),
    ),
}


@pytest.mark.parametrize(("pack", "unpack"), PACKINGS.values(), ids=PACKINGS)
@pytest.mark.parametrize("folder", ["discarded", "landing"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16", "utf-16-le", "utf-16-be"])
def test_what_is_packed_loses_her_lines_and_no_other(settings, pack, unpack, folder, encoding):
    text = f"id,mail\nC-9,Köln\nC-0815,{STREET}\nC-0815,Müller\n"
    path = put(getattr(settings, folder) / "customers of January", pack(text.encode(encoding)))
    assert look([settings.data_dir], HERS).telling == {path.resolve()}
    assert clear(settings)[1].telling == set()
    after = unpack(path.read_bytes())
    assert after.decode(encoding) == "id,mail\nC-9,Köln\nerased\nerased\n"


def test_names_inside_packed_files_lose_a_value(settings):
    named = io.BytesIO()
    with gzip.GzipFile(f"for {ADA['email']}.csv", "wb", fileobj=named) as file:
        file.write(b"nothing")
    packed = put(settings.discarded / "a.gz", named.getvalue())
    archive = put(settings.discarded / "a.zip", zipped({f"{ADA['email']}.csv": b"nothing"}))
    assert look([settings.data_dir], HERS).telling == {packed.resolve(), archive.resolve()}
    assert clear(settings)[1].telling == set()
    assert gzip.decompress(packed.read_bytes()) == b"nothing"
    assert ADA["email"].encode() not in packed.read_bytes()
    assert unzipped(archive.read_bytes()) == {"erased.csv": b"nothing"}


def remarks(text: str) -> dict[str, bytes]:
    """Packed files that hold a text where no reader of their contents sees it."""
    plain = gzip.compress(b"id\n")
    comment = plain[:3] + b"\x10" + plain[4:10] + text.encode() + b"\0" + plain[10:]
    of_archive, of_member = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(of_archive, "w") as archive:
        archive.writestr("a.csv", b"id\n")
        archive.comment = text.encode()
    with zipfile.ZipFile(of_member, "w") as archive:
        member = zipfile.ZipInfo("a.csv")
        member.comment = text.encode()
        archive.writestr(member, b"id\n")
    return {
        "a remark in gzip": comment,
        "a remark in the second member of gzip": plain + comment,
        "a remark of a zip": of_archive.getvalue(),
        "a remark of a zip's member": of_member.getvalue(),
    }


@pytest.mark.parametrize("name", remarks(""))
def test_remarks_in_packed_files_lose_a_value(settings, name):
    path = put(settings.discarded / "a", remarks(ADA["email"])[name])
    assert look([settings.data_dir], HERS).telling == {path.resolve()}
    assert clear(settings)[1].telling == set()
    assert ADA["email"].encode() not in path.read_bytes()


LINES = "id,mail\n" + "".join(f"C-{n},x{n * 7919}@y.example\n" for n in range(9000))
HER_LINE = f"C-0815,{ADA['email']}\n"
PLAIN = gzip.compress(b"id\n")
BROKEN_PACKINGS = {
    "gzip without its end": gzip.compress((LINES + HER_LINE).encode())[:-6],
    "gzip with another checksum": gzip.compress((LINES + HER_LINE).encode())[:-8] + b"x" * 8,
    "gzip with a text behind it": PLAIN + (LINES + HER_LINE).encode(),
    "a broken member of gzip before hers": PLAIN
    + PLAIN[:10]
    + b"\xff" * 9
    + gzip.compress(HER_LINE.encode()),
    "xz without its end": lzma.compress((HER_LINE + LINES).encode())[:-8],
    "bzip2 without its end": bz2.compress((HER_LINE + LINES * 5).encode())[:-30],
}


@pytest.mark.parametrize("data", BROKEN_PACKINGS.values(), ids=BROKEN_PACKINGS)
def test_what_is_packed_and_broken_is_cleared_or_named(settings, data):
    path = put(settings.discarded / "customers of January", data).resolve()
    before = look([settings.data_dir], HERS)
    assert path in before.telling | before.unread
    written, after = clear(settings)
    assert (written, after.telling) == ([], set())
    assert path in after.unread
    # What unpacks is cleared; behind it nobody can look.
    assert (path.read_bytes() != data) == (path in before.telling)


def test_a_value_across_two_members_of_gzip_is_found(settings):
    begin, end = ADA["email"][:9].encode(), ADA["email"][9:].encode()
    wide = gzip.compress(b"") + gzip.compress(STREET.encode("utf-16"))
    wide = put(settings.discarded / "wide", wide)
    path = put(settings.discarded / "a.gz", gzip.compress(b"q," + begin) + gzip.compress(end))
    assert look([settings.data_dir], HERS).telling == {path.resolve(), wide.resolve()}
    assert clear(settings)[1].telling == set()
    assert gzip.decompress(path.read_bytes()) == b"erased"


def test_packed_files_without_her_keep_their_bytes(settings):
    paths = [
        put(settings.discarded / name.replace(" ", "_"), pack(b"id\nC-0815-2\nC-9\n"))
        for name, (pack, _) in PACKINGS.items()
    ]
    before = [path.read_bytes() for path in paths]
    clear(settings)
    assert [path.read_bytes() for path in paths] == before


@pytest.mark.parametrize("begins_with", [b"", b"\xff\xfe"])
def test_a_long_text_is_searched_to_its_end(tmp_path, begins_with):
    text = "é" * (3 << 20) + STREET
    data = begins_with + text.encode("utf-16-le" if begins_with else "utf-8")
    plain, packed = put(tmp_path / "a.csv", data), put(tmp_path / "a.csv.gz", gzip.compress(data))
    assert look([tmp_path], HERS).telling == {plain.resolve(), packed.resolve()}


def test_what_no_search_can_read_is_told(settings):
    locked = bytearray(zipped({"customers.csv": STREET.encode()}))
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(header) + flags] |= 1
    nested = STREET.encode()
    for _ in range(9):
        nested = zipped({"a.zip": nested})
    files = {
        "locked.zip": bytes(locked),
        "cut off.zip": zipped({"customers.csv": STREET.encode()})[:-30],
        "deep.zip": nested,
        "picture.png": PICTURE,
        "a.zip": zipped({"picture.png": PICTURE}),
        "numbers": bytes(range(64)),
    }
    paths = {put(settings.discarded / name, data).resolve() for name, data in files.items()}
    put(settings.discarded / "notes.txt", "a\tb\r\n\f")
    put(settings.discarded / "notes.txt.gz", gzip.compress(b"a\n"))
    before = look([settings.discarded], HERS)
    assert before.unread == paths
    written, after = clear(settings)
    assert (written, after.telling) == ([], set())
    assert look([settings.discarded], HERS, before).unread == paths
    assert {path.name: path.read_bytes() for path in paths} == files


@pytest.mark.parametrize("table", ["snapshots.addresses_history", "audit.notes", "seeds.patches"])
def test_what_was_once_believed_or_noted_loses_values_in_the_wrong_column(settings, table):
    contracts = load_contracts(settings.contracts_file)
    with closing(connect(settings)) as connection:
        for schema in (table.split(".")[0], "test_failures"):
            connection.execute(f"create schema if not exists {schema}")
        connection.execute("create table test_failures.unique_key_customers as select 1 as n")
        connection.execute(
            f"create table {table} as"
            " select * from (values ('A-1', ?, 7), ('A-2', 'Ulm', 7)) as t (address_id, city, n)",
            [f"at {STREET}"],
        )
        rows = find_rows(connection, contracts, HERS.customer_id)
        places = clear_tables(connection, contracts, rows, HERS, [])
        assert places[table] == 1
        found = connection.execute(f"from {table} order by all").fetchall()
        assert not is_built(connection, "test_failures.unique_key_customers")
    assert found == [("A-1", "at erased", 7), ("A-2", "Ulm", 7)]


def beside(settings: Settings, other: dict) -> tuple[set[str], Traces]:
    """Her contacts, and what is looked for, when somebody else was delivered beside her."""
    put(settings.landing / "customers_2025_01_12.ndjson", as_ndjson(ADA, other))
    contracts = load_contracts(settings.contracts_file)
    with closing(connect(settings)) as connection:
        load_landing(connection, settings, contracts)
        rows = find_rows(connection, contracts, HERS.customer_id)
        contacts = contacts_of(connection, settings, contracts, rows, HERS.customer_id)
        traces = traces_of(connection, contracts, rows, HERS.customer_id, contacts)
    return contacts, traces


@pytest.mark.parametrize(
    "longer", [f"{ADA['email']}.uk", f"c/o {ADA['email']}", ADA["email"].upper()]
)
def test_what_others_hold_in_a_longer_value_is_not_looked_for(settings, longer):
    contacts, traces = beside(settings, BOB | {"phone": longer, "email": f"{longer}x"})
    assert ADA["email"] in contacts
    assert traces.telling == (ADA["phone"],)
    assert ADA["last_name"] in traces.words


def test_what_others_hold_in_another_spelling_is_not_looked_for(settings):
    other = BOB | {"phone": "01577/081-5471", "last_name": "Quackenbu\u0308sh"}
    contacts, traces = beside(settings, other)
    assert {ADA["phone"], ADA["last_name"]} <= contacts
    assert traces.telling == (ADA["email"],)
    assert traces.words == ()


def test_a_phone_number_with_its_prefix_is_looked_for_although_a_key_has_its_digits(settings):
    _, traces = beside(settings, BOB | {"customer_id": "15770815471"})
    assert ADA["phone"] in traces.telling


def test_a_column_that_left_the_contract_is_cleared_too(settings):
    put(settings.landing / "customers_2025_01_12.ndjson", as_ndjson(ADA, BOB))
    contracts = load_contracts(settings.contracts_file)
    with closing(connect(settings)) as connection:
        load_landing(connection, settings, contracts)
        connection.execute("alter table bronze.customers add column hobby varchar")
        for hobby in ("falconry", "chess"):
            # The second time nothing else is left of her.
            connection.execute("update bronze.customers set hobby = ?", [hobby])
            rows = find_rows(connection, contracts, HERS.customer_id)
            assert clear_tables(connection, contracts, rows, HERS, [])["bronze.customers"] == 1
            kept = connection.execute(
                "select customer_id, hobby from bronze.customers order by all"
            ).fetchall()
            assert kept == [("C-08", hobby), ("C-0815", None)]


def test_a_row_that_its_own_value_had_refused_stays_refused_when_it_is_blanked_again(settings):
    put(settings.landing / "customers_2025_01_12.ndjson", as_ndjson(ADA, BOB))
    contracts = load_contracts(settings.contracts_file)
    hers = f"where customer_id = '{HERS.customer_id}'"
    with closing(connect(settings)) as connection:
        load_landing(connection, settings, contracts)
        connection.execute(f"update bronze.customers set date_of_birth = 'erased' {hers}")
        rows = find_rows(connection, contracts, HERS.customer_id)
        contacts = contacts_of(connection, settings, contracts, rows, HERS.customer_id)
        assert ADA["email"] in contacts and "erased" not in contacts
        clear_tables(connection, contracts, rows, HERS, [])
        left = connection.execute(f"select date_of_birth, email from bronze.customers {hers}")
        assert left.fetchall() == [("erased", None)]
        assert find_rows(connection, contracts, HERS.customer_id)["customers"].personal == 0


@pytest.mark.parametrize(
    ("customer", "why", "name"),
    [("", "x", "CUSTOMER_ID"), (" \t", "x", "CUSTOMER_ID"), ("C-0815", " ", "--why")],
)
def test_a_blank_id_or_reason_erases_nobody(settings, customer, why, name):
    with pytest.raises(ConfigurationError, match=f"{name} is blank"):
        erase(settings, customer, why, settings.data_dir, print)
    assert not settings.warehouse.exists()


@pytest.fixture
def hers_loaded(settings) -> Settings:
    put(settings.landing / "customers_2025_01_12.ndjson", as_ndjson(ADA))
    with closing(connect(settings)) as connection:
        load_landing(connection, settings, load_contracts(settings.contracts_file))
    return settings


def known_of_her(settings: Settings) -> list[tuple]:
    """Her address in bronze, and whether it is on record that she is to be erased."""
    with closing(duckdb.connect(settings.warehouse)) as connection:
        return connection.execute(
            "select email, (select list(status) from audit.erasures) from bronze.customers"
        ).fetchall()


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("look", OSError("the disk is full")),
        ("look", duckdb.IOException("no space")),
        ("clear_run_store", OSError("nobody answers")),
        ("_note_places", duckdb.IOException("no space")),
    ],
)
def test_an_erasure_that_was_cut_off_says_how_it_ends(hers_loaded, monkeypatch, step, error):
    def fails(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(steps, step, fails)
    with pytest.raises(ErasureError, match=f"{error}\nMend that, then give the same command again"):
        erase(hers_loaded, "C-0815", "request 17", hers_loaded.data_dir, lambda line: None)
    # The next attempt still knows what to look for, and no load takes her in again.
    assert known_of_her(hers_loaded) == [(ADA["email"], ["started"])]


def test_nothing_is_cleared_while_a_provider_writes_of_her(hers_loaded):
    part = put(hers_loaded.landing / "a.part", ADA["email"], time.time())
    with pytest.raises(ErasureError, match=r"a\.part\. Files in landing are still being written"):
        erase(hers_loaded, "C-0815", "request 17", hers_loaded.data_dir, lambda line: None)
    assert known_of_her(hers_loaded) == [(ADA["email"], ["started"])]
    assert part.read_text() == ADA["email"]


@pytest.mark.parametrize("why", ["c-0815 asked", f"asked on {BIRTHDAY}", "(quackenbüsh)"])
def test_a_reason_that_names_her_ends_an_erasure_before_it_begins(hers_loaded, why):
    with pytest.raises(ConfigurationError, match="--why names the person"):
        erase(hers_loaded, "C-0815", why, hers_loaded.data_dir, lambda line: None)
    assert known_of_her(hers_loaded) == [(ADA["email"], None)]


def test_a_patch_of_her_ends_an_erasure_before_it_begins(hers_loaded, monkeypatch):
    monkeypatch.setattr(steps, "lines_of_patches", lambda *_: [3, 5])
    with pytest.raises(ConfigurationError, match="holds this person's data in line 3"):
        erase(hers_loaded, "C-0815", "request 17", hers_loaded.data_dir, lambda line: None)
    assert known_of_her(hers_loaded) == [(ADA["email"], None)]


def test_nothing_is_published_while_rows_still_hold_her(hers_loaded, monkeypatch):
    for step in ("clear_tables", "_build", "rewrite_warehouse"):
        monkeypatch.setattr(steps, step, lambda *_: {})
    with pytest.raises(ErasureError, match="still hold personal data"):
        erase(hers_loaded, "C-0815", "request 17", hers_loaded.data_dir, lambda line: None)
    assert known_of_her(hers_loaded) == [(ADA["email"], ["cleared"])]


def test_the_new_file_of_the_warehouse_keeps_its_rows_and_its_mode(hers_loaded):
    hers_loaded.warehouse.chmod(0o640)
    rewrite_warehouse(hers_loaded)
    assert hers_loaded.warehouse.stat().st_mode & 0o777 == 0o640
    assert known_of_her(hers_loaded) == [(ADA["email"], None)]
    remove_drafts(hers_loaded)
    assert not [*hers_loaded.warehouse.parent.glob(".*")]


def test_dagsters_sqlite_loses_values_and_the_pages_that_held_them(settings, monkeypatch):
    home = settings.data_dir / "home"
    home.mkdir()
    with closing(sqlite3.connect(home / "runs.db")) as other:
        other.execute("pragma journal_mode = wal")
        other.execute("create table runs (body text, data blob, n integer)")
        other.executemany(
            "insert into runs values (?, ?, ?)",
            [(f"for {ADA['email']}", f"at {STREET}".encode(), 1), (BOB["email"], b"\xff", 2)],
        )
        other.execute("insert into runs values (?, null, 3)", [f"{ADA['email']} " * 999])
        other.commit()
        # As most builds of SQLite have it: what is deleted stays in its pages.
        other.execute("pragma secure_delete = off")
        other.execute("delete from runs where n = 3")
        other.commit()
        other.execute("begin immediate")
        monkeypatch.setattr(clearing, "_SQLITE_WAIT_SECONDS", 0)
        with pytest.raises(
            OSError, match=r"runs\.db: .*locked; stop what has it open \(make dev\)"
        ):
            clear(settings)
        other.rollback()
        clear(settings)
        # Neither in the database nor in its log, although a program has it open.
        assert len([*home.iterdir()]) == 3
        assert not any(HERS.in_bytes(path.read_bytes()) for path in home.iterdir())
        assert other.execute("select * from runs").fetchall() == [
            ("for erased", b"at erased", 1),
            (BOB["email"], b"\xff", 2),
        ]


def test_a_patch_of_her_row_is_noticed_whatever_it_says(settings, tmp_path):
    put(settings.landing / "customers_2025_01_12.ndjson", as_ndjson(BOB, ADA))
    contracts = load_contracts(settings.contracts_file)
    with closing(connect(settings)) as connection:
        (file,) = load_landing(connection, settings, contracts).files
        (sha256,) = connection.execute("select sha256 from bronze.files").fetchone()
        lines = [
            "2,email,new@patched.example,,,",
            f'2, Phone ,123,me,"two\nlines",{sha256.upper()}',
            "2,email,new@patched.example,,,0123",
            "1,email,bob@patched.example,,,",
            "2,updated_at,2025-01-01,,,",
            '2,"first_name",x,,,',
        ]
        patches = tmp_path / "project" / "seeds" / "patches.csv"
        patches.parent.mkdir(parents=True)
        head = "file_name,row_number,column_name,new_value,who,why,sha256\n"
        patches.write_text(head + "".join(f"{file.file_name},{line}\n" for line in lines))
        project = replace(settings, project_dir=tmp_path / "project")
        rows = find_rows(connection, contracts, "C-0815")
        assert lines_of_patches(connection, project, contracts, rows, HERS) == [2, 3, 8]


@pytest.mark.parametrize("folder", ["landing", "archive", "discarded"])
def test_a_folder_that_is_a_link_is_followed(settings, tmp_path, folder):
    there, here = tmp_path / "other disk", settings.data_dir / folder
    put(settings.landing / "customers_2025_01_12.ndjson", as_ndjson(BOB))
    with closing(connect(settings)) as connection:
        load_landing(connection, settings, load_contracts(settings.contracts_file))
    if here.is_dir():
        shutil.rmtree(here)
    (there / "customers").mkdir(parents=True)
    here.symlink_to(there)
    folders = roots(settings, settings.data_dir / "home")
    place = there if folder == "landing" else there / "customers"
    path = put(place / "unknown.csv", f"id,mail\n7,{ADA['email']}\n")
    assert files_under([*folders, here, there]).count(path) == 1
    assert clear(settings)[1].telling == set()
    assert ADA["email"] not in path.read_text()


def test_a_file_that_vanishes_before_it_is_read_is_passed_over(settings, monkeypatch):
    gone, path = settings.data_dir / "schedules.db-shm", put(settings.data_dir / "log", STREET)
    monkeypatch.setattr(looking, "files_under", lambda folders: [gone, path])
    assert look([], HERS).telling == {path}


def test_a_second_look_reads_what_told_what_changed_and_databases(settings):
    told = put(settings.data_dir / "told.log", STREET).resolve()
    changed = put(settings.data_dir / "changed.log", "-" * len(STREET)).resolve()
    database = put(settings.data_dir / "a.duckdb", STREET).resolve()
    word = put(settings.data_dir / "word.log", ADA["last_name"]).resolve()
    before = look([settings.data_dir], HERS)
    assert (before.telling, before.words) == ({told}, {word})
    put(changed, STREET, LONG_AGO + 1)
    after = look([settings.data_dir], HERS, before)
    assert (after.telling, after.words) == ({told, changed, database}, {word})


def test_several_processes_see_what_one_sees(settings, monkeypatch):
    texts = ("nothing", STREET, ADA["last_name"], "C-0815", f"{STREET} {ADA['last_name']}")
    for number, text in enumerate(texts):
        put(settings.data_dir / f"{number}.log", text)
    alone = look([settings.data_dir], HERS)
    assert alone.telling and alone.words and len(alone.mentions) > len(alone.telling)
    monkeypatch.setattr(looking, "_SHARED_FROM_BYTES", 0)
    assert look([settings.data_dir], HERS) == alone


def test_the_name_of_a_file_loses_a_value_as_its_row_in_the_ledger_does(settings):
    contracts = load_contracts(settings.contracts_file)
    loaded, refused = (f"customers_2025_01_{day}_fix for {ADA['email']}.json" for day in (12, 13))
    put(settings.landing / loaded, json.dumps([BOB]))
    put(settings.landing / refused, json.dumps([BOB]) + "?")
    with closing(connect(settings)) as connection:
        load_landing(connection, settings, contracts)
    put(settings.landing / f"note to {ADA['email']}.txt", "x")
    put(settings.landing / "note to erased.txt", "another")
    assert clear(settings)[1].telling == set()
    after = [name.replace(ADA["email"], "erased") for name in (loaded, refused)]
    with closing(connect(settings)) as connection:
        names = connection.execute("select file_name from bronze.files order by 1").fetchall()
    assert names == [(name,) for name in after]
    assert (settings.archive / "customers" / after[0]).exists()
    assert {path.name for path in (settings.discarded / "customers").iterdir()} == {
        after[1],
        f"{after[1]}.reason.json",
    }
    reason = json.loads((settings.discarded / "customers" / f"{after[1]}.reason.json").read_text())
    assert reason["file"] == after[1]
    assert (settings.landing / "note to erased.txt").read_text() == "another"
    assert (settings.landing / "note to erased.txt.0").read_text() == "x"
    with closing(connect(settings)) as connection:
        assert reprocess(connection, settings, after[1], "mended").name == after[1]
        assert retract(connection, after[0], "wrong")
