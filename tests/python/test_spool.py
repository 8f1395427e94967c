"""Bytes to text: hashing, unpacking, decoding, with real files."""

import gzip
import hashlib
import os
import random
import tracemalloc
from dataclasses import replace

import pytest
from delivered_file import THINGS

from orchestration.loader.refusal import Refused
from orchestration.loader.spool import FileChanged, fingerprint, spool

TEXT = "thing_id,name\n1,Zoë\n"


@pytest.fixture
def spooled(tmp_path):
    """Write a file, spool it, give back its text."""

    def write_and_spool(data: bytes, name: str = "things.csv", encoding: str = "utf-8") -> str:
        path = tmp_path / name
        path.write_bytes(data)
        contract = replace(THINGS, encoding=encoding)
        result = spool(path, contract, fingerprint(path), tmp_path / "spool")
        text = result.path.read_bytes().decode()
        assert result.ends_with_newline == text.endswith("\n")
        return text

    return write_and_spool


@pytest.fixture
def refused(spooled, tmp_path):
    """Why a file is refused; nothing is left in the spool."""

    def refusal_of(*arguments: object) -> Refused:
        with pytest.raises(Refused) as caught:
            spooled(*arguments)
        assert list((tmp_path / "spool").iterdir()) == []
        return caught.value

    return refusal_of


def test_a_fingerprint_is_of_the_file_as_delivered(tmp_path):
    path = tmp_path / "things.csv.gz"
    path.write_bytes(gzip.compress(TEXT.encode()))
    seen = fingerprint(path)
    assert seen.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert seen.size_bytes == path.stat().st_size
    assert seen.mtime_ns == path.stat().st_mtime_ns


def test_links_folders_and_pipes_are_not_opened(tmp_path):
    (tmp_path / "secret").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "."):
        with pytest.raises(OSError):
            fingerprint(tmp_path / name)


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        fingerprint(tmp_path / "gone.csv")


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        b"\xff\xfe" + TEXT.encode("utf-16-le"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
    ],
)
def test_byte_order_marks_decide(spooled, data):
    assert spooled(data) == TEXT
    assert spooled(data, "things.csv", "utf-8") == TEXT


def test_the_contract_decides_without_a_byte_order_mark(spooled):
    assert spooled(TEXT.encode("latin-1"), "things.csv", "latin-1") == TEXT
    assert spooled(TEXT.encode("utf-8-sig"), "things.csv", "latin-1") == TEXT


@pytest.mark.parametrize(
    "data", [b"", b" \r\n\t\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\xef\xbb\xbf \n"]
)
@pytest.mark.parametrize("name", ["things.csv", "things.csv.gz"])
def test_nothing_but_white_space_is_an_empty_file(refused, data, name):
    data = gzip.compress(data) if name.endswith(".gz") else data
    assert refused(data, name).code == "empty_file"


def test_zero_bytes_named_gz_are_an_empty_file(refused):
    assert refused(b"", "things.csv.gz").code == "empty_file"


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (b"thing_id\n\xe9x\n", 9),
        (b"\xef\xbb\xbfthing_id\n\xe9x\n", 12),
        (b"x" * (1 << 20) + b"\xff", 1 << 20),
        (b"x" * ((1 << 20) - 1) + b"\xc3(", (1 << 20) - 1),
        (b"thing_id\n\xc3", 9),
        (b"a\n\xed\xa0\x80\n", 2),
        (b"\xff\xfea\0\0\xd8b\0", 4),
        (b"\xff\xfea\0b", 4),
    ],
)
def test_bytes_that_are_not_valid_are_refused_with_their_offset(refused, data, offset):
    refusal = refused(data)
    assert refusal.code == "bad_encoding"
    assert f"offset {offset} " in refusal.message
    assert f"offset {offset} of the unpacked" in refused(gzip.compress(data), "t.csv.gz").message


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_its_mark_is_named_and_read_where_the_contract_names_it(
    refused, spooled, encoding
):
    refusal = refused(TEXT.encode(encoding))
    assert refusal.code == "bad_encoding"
    assert "UTF-16 without a byte-order mark" in refusal.message
    assert spooled(TEXT.encode(encoding), "things.csv", encoding) == TEXT


def test_utf_16_that_the_contract_names_needs_its_mark(refused):
    assert refused(TEXT.encode("utf-16-le"), "things.csv", "utf-16").code == "bad_encoding"


def test_gzip_is_unpacked_also_of_several_members_and_padding(spooled):
    whole = gzip.compress(TEXT.encode()) + gzip.compress(b"2,b\n") + b"\0" * 512
    assert spooled(whole, "things.csv.GZ") == TEXT + "2,b\n"


def test_gzip_of_any_size_is_unpacked_whole(spooled):
    seeded = random.Random(7)
    for size in [1 << 20, (1 << 20) - 1, (1 << 20) + 1, 3 << 20]:
        repeated = b"x" * size
        mixed = bytes(seeded.choices(b"abcdef\n", k=size))
        for data in (repeated, mixed):
            assert spooled(gzip.compress(data, 1), "things.csv.gz") == data.decode()


PACKED = gzip.compress(TEXT.encode() * 100, mtime=0)


@pytest.mark.parametrize(
    "data",
    [
        *(PACKED[:length] for length in (1, 5, 10, len(PACKED) // 2, len(PACKED) - 1)),
        PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:],
        PACKED + b"garbage",
        PACKED + PACKED[:15],
        TEXT.encode(),
    ],
)
def test_gzip_that_does_not_unpack_whole_is_refused(refused, data):
    assert refused(data, "things.csv.gz").code == "bad_gzip"


@pytest.mark.parametrize("data", [TEXT.encode(), b"\xff not utf-8", b""])
def test_a_file_that_changed_is_neither_read_nor_refused(tmp_path, data):
    path = tmp_path / "things.csv"
    path.write_bytes(b"before")
    seen = fingerprint(path)
    path.write_bytes(data)
    with pytest.raises(FileChanged):
        spool(path, THINGS, seen, tmp_path / "spool")
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_spool_that_cannot_be_written_is_no_refusal(tmp_path):
    path = tmp_path / "things.csv"
    path.write_text(TEXT)
    (tmp_path / "spool").write_text("a file stands where the folder should be")
    with pytest.raises(OSError):
        spool(path, THINGS, fingerprint(path), tmp_path / "spool")


def test_memory_is_bounded_while_a_packed_file_swells(spooled, tmp_path):
    path = tmp_path / "big.csv.gz"
    path.write_bytes(gzip.compress(b"x" * (64 << 20), 1))
    seen = fingerprint(path)
    tracemalloc.start()
    result = spool(path, THINGS, seen, tmp_path / "spool")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.path.stat().st_size == 64 << 20
    assert peak < 16 << 20
