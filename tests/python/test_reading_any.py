"""Whatever bytes arrive: a reading that accounts for every record, or a refusal with a reason."""

import json

import pytest
from delivered_file import HEADER, Desk
from hypothesis import given
from hypothesis import strategies as st

from orchestration.loader.refusal import Refused

CODES = {"empty_file", "bad_encoding", "bad_gzip", "bad_json", "truncated", "missing_columns"}
CODES |= {"duplicate_columns", "too_many_rejects", "unreadable"}

things = [
    {"thing_id": str(n), "name": 'a,"b"\n\\é', "amount": -1.50e3, "more": [n]} for n in range(3)
]
GOOD = [
    (HEADER + ',x\n1,"a\n,""b""",1,new,,y\n2, NULL ,"",,,\r\n3,c,,,,\n').encode(),
    json.dumps(things).encode(),
    "\n".join(map(json.dumps, things)).encode(),
    json.dumps(things, indent=1).encode("utf-16"),
]
odd = st.sampled_from(
    [b"", b'"', b",", b"\n", b"\r", b"\0", b"{", b"]", b"\xff", b"\xc3", b"\\", b" "]
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good file with a few pieces replaced."""
    data = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(0, 3))):
        begin = draw(st.integers(0, len(data)))
        end = draw(st.integers(begin, min(len(data), begin + 8)))
        data = data[:begin] + draw(odd) + data[end:]
    return data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


@given(
    data=st.one_of(damaged(), st.binary(max_size=60)),
    name=st.sampled_from(["t_2025_01_15.csv", "t_2025_01_15.json", "t_2025_01_15.csv.gz"]),
)
def test_any_bytes_are_read_or_refused_and_nothing_is_lost(desk, data, name):
    try:
        reading = desk.read(data, name)
    except Refused as refused:
        assert refused.code in CODES
        assert refused.message
    else:
        assert reading.rows_read == reading.rows_loaded + reading.rows_rejected
        assert reading.rows_loaded == len(desk.rows("_row_number"))
        assert reading.rows_rejected == len(desk.rejected())
        numbers = [number for (number,) in desk.rows("_row_number")]
        assert numbers == sorted(set(numbers))
        assert not numbers or numbers[-1] <= reading.rows_read
