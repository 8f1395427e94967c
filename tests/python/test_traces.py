"""What gives a person away: taken out wherever it stands, and nowhere else."""

import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestration.erasure.traces import Traces
from orchestration.people import ERASED

_TRACES = Traces.of("C-7", ["ann.lee7@example.com", "+49 30 1234", "12 Elm St", "Annelise"])
_PIECES = [
    *("ann.lee7@example.com", "ANN.LEE7@Example.com", "ann.lee7%40example.com", "12 elm st"),
    *("mary-ann.lee7@example.com", "112 Elm St", "12 Elm Street", "+49 30 1234", "+49+30+1234"),
    *(" ", ",", "%20", "x", "İ", "1234", "example", "7"),
]


@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join), st.booleans())
@example("12 Elm St" * 2, True)
def test_values_are_taken_out_as_one_pattern_over_all_would(text, is_long):
    text += " " * 9999 * is_long
    assert _TRACES.edit(text) == _TRACES._telling.sub(ERASED, text)


def test_a_value_without_latin_letters_is_taken_out():
    assert Traces.of("C-7", ["王小明@公司.香港"]).edit("an 王小明@公司.香港.") == f"an {ERASED}."


@pytest.mark.parametrize("value", _TRACES.telling)
@pytest.mark.parametrize("write", [str, str.lower, quote, quote_plus, json.dumps])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_every_spelling_is_found_in_bytes(value, write, encoding):
    data = f"x {write(value)} x".encode(encoding)
    assert _TRACES.mentions(data)
    assert _TRACES.in_bytes(data)
