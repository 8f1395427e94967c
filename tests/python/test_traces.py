"""What gives a person away: taken out wherever it stands, and nowhere else."""

import json
from unicodedata import normalize
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


@pytest.mark.parametrize("said", ["ANNELISE", "annelise", "JÜRÖ", "jürö", "王小明明"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_names_are_mentioned_in_any_case(said, encoding):
    traces = Traces.of("C-7", ["Annelise", "Jürö", "王小明明"])
    data = f"an {said}".encode(encoding, "ignore")
    assert traces.mentions(data) == (said != "王小明明" or encoding == "utf-8")
    assert not traces.mentions(f"an {said[1:]}".encode(encoding, "ignore"))


@pytest.mark.parametrize("value", _TRACES.telling)
@pytest.mark.parametrize("write", [str, str.lower, quote, quote_plus, json.dumps])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_every_spelling_is_found_in_bytes(value, write, encoding):
    data = f"x {write(value)} x".encode(encoding)
    assert _TRACES.mentions(data)
    assert _TRACES.in_bytes(data)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("Zoe.OBrien+shop@näh-mail.example", "zoe.obrien%2Bshop@n%C3%A4h-mail.example"),
        ("Zoe.OBrien+shop@näh-mail.example", "zoe.obrien+shop%40n%e4h-mail.example"),
        ("7 Krähweg", "7 Kra\u0308hweg"),
        ("7 Kra\u0308hweg", "7+Kr%C3%A4hweg"),
        ("+49 1577 9081726", "+4915779081726"),
        ("+49 1577 9081726", "01577-9081726"),
        ("+49 1577 9081726", "0049 1577 9081726"),
        ("+49 1577 9081726", "+49 (0)1577 908 17 26"),
        ("+49 1577 9081726", "(01577)/9081726"),
        ("+49 1577 9081726", "0049%201577%209081726"),
        ("01577/9081726", "%2B491577+9081726"),
        ("+1 212 555 0199", "001-212-555-0199"),
    ],
)
def test_another_spelling_is_taken_out_everywhere(value, written):
    traces = Traces.of("C-7", [value])
    assert traces.edit(f"a={written}&b=1") == f"a={ERASED}&b=1"
    assert traces.is_about(written)
    assert traces.mentions(written.encode())
    assert traces.in_bytes(f"a={written}&b=1".encode())


@pytest.mark.parametrize(
    "written",
    ["115779081726", "15779081726", "01577,9081726", "0157790817261", "A-015779081726"],
)
def test_other_digits_than_those_of_a_phone_stay(written):
    assert Traces.of("C-7", ["+49 1577 9081726"]).edit(written) == written


@pytest.mark.parametrize("value", ["0000 0001", "00000000", "0049 0000 12"])
def test_a_number_that_is_none_stands_for_itself_only(value):
    assert (
        Traces.of("C-7", [value]).edit(f"01,0,000,0049 12,{value}") == f"01,0,000,0049 12,{ERASED}"
    )


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_are_found_however_their_accents_are_composed(form):
    traces = Traces.of("C-7", ["Zoë", "Krähe", "Noëlla"])
    text = normalize(form, "krähe, noëlla")
    assert traces.is_about(text)
    assert traces.words_in_bytes(normalize(form, "Krähe").encode())
