"""Copies of files: the same bytes, by whatever way the file system knows."""

import os
from pathlib import Path

import pytest

from orchestration import file_bytes


@pytest.mark.parametrize("size", [0, 1, 4096, 12288 + 5, file_bytes._PIECE_BYTES + 4097])
@pytest.mark.parametrize("way", ["_share", "_copy_directly", None])
def test_a_copy_has_the_same_bytes(tmp_path: Path, monkeypatch, size, way):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(size))
    target.write_bytes(os.urandom(size + 7))

    def unknown(*_: Path) -> None:
        raise OSError("not on this file system")

    for other in {"_share", "_copy_directly"} - {way}:
        monkeypatch.setattr(file_bytes, other, unknown)
    file_bytes.copy(source, target)
    assert target.read_bytes() == source.read_bytes()


def test_a_copy_past_the_cache_that_gets_less_than_a_page_is_made_anew(tmp_path, monkeypatch):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(3 * 4096))
    read = os.readv

    def read_less(descriptor: int, pieces: list[memoryview]) -> int:
        return read(descriptor, [pieces[0][:5000]])

    def unknown(*_: Path) -> None:
        raise OSError("not on this file system")

    monkeypatch.setattr(file_bytes, "_share", unknown)
    # As over a network, where no read has to begin at a page.
    monkeypatch.setattr(os, "O_DIRECT", 0)
    monkeypatch.setattr(os, "readv", read_less)
    file_bytes.copy(source, target)
    assert target.read_bytes() == source.read_bytes()


def test_what_cannot_be_copied_raises(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        file_bytes.copy(tmp_path / "none", tmp_path / "target")
