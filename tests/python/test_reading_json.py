"""The rules of "How a file is read" for JSON, each with a real file and its reason code."""

import json

import pytest
from delivered_file import Desk

NAME = "things_2025_01_15.json"
ONE = {"thing_id": "1", "name": "a", "amount": 1.5, "status": "new", "details": {"x": [1, 2]}}
READ = ("1", "a", "1.5", "new", '{"x":[1,2]}')


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    desk.set(format="json")
    return desk


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([ONE]),
        json.dumps([ONE], indent=2) + "\n",
        json.dumps(ONE),
        json.dumps(ONE) + "\n\n",
        json.dumps(ONE).replace(",", ",\r") + "\r\n",
        json.dumps(ONE, indent=2) + "\n",
        "\n \n" + json.dumps(ONE, indent=2),
    ],
    ids=[
        "array",
        "pretty array",
        "one line",
        "blank line",
        "lone CR",
        "pretty object",
        "no newline",
    ],
)
def test_every_layout_gives_the_same_row(desk, text):
    reading = desk.read(text, NAME)
    assert desk.rows() == [READ]
    assert (reading.rows_read, reading.rows_rejected, reading.drift) == (1, 0, None)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_encodings_give_the_same_row(desk, encoding):
    desk.read(json.dumps([ONE]).encode(encoding), NAME)
    assert desk.rows() == [READ]


def test_keys_are_matched_trimmed_in_any_case_and_by_alias_object_by_object(desk):
    desk.read('{"THING_ID":"1","label":"a"}\n{" thing_id ":"2","Name":"b"}\n{"Thing_Id":3}\n', NAME)
    assert desk.rows("thing_id, name") == [("1", "a"), ("2", "b"), ("3", None)]


def test_values_are_the_text_that_was_delivered(desk):
    desk.read(
        '{"thing_id":007e0}\n'.replace("007e0", "12345678901234567890123")
        + '{"thing_id":true,"name":"  a ","amount":4884.50,'
        + '"details":{"b": 1.50, "a": [1.0, "1.50"]}}\n'
        + '{"thing_id":"\\u00e9\\ud83d\\ude00","amount":1E2,"details":"plain"}\n',
        NAME,
    )
    assert desk.rows("thing_id, name, amount, details") == [
        ("12345678901234567890123", None, None, None),
        ("true", "  a ", "4884.50", '{"b":1.50,"a":[1.0,"1.50"]}'),
        ("é😀", None, "1E2", '"plain"'),
    ]


@pytest.mark.parametrize(
    ("delivered", "kept"),
    [
        ('"none"', '"none"'),
        ('"say \\"hi\\" \\u00e9"', '"say \\"hi\\" é"'),
        ('"{\\"a\\": 1.50}"', '{"a": 1.50}'),
        ("1.50", "1.50"),
        ("1e2", "1e2"),
        ("false", "false"),
        ('["x", 1.0]', '["x",1.0]'),
        ('""', None),
        ("null", None),
    ],
)
def test_any_json_value_stays_json_in_a_column_of_json(desk, delivered, kept):
    for other in ("", ',"amount":1.50'):
        desk.read(f'{{"thing_id":"1","details":{delivered}{other}}}\n', NAME)
        assert desk.rows("details") == [(kept,)]


def test_null_and_empty_text_are_null_and_the_word_null_is_text(desk):
    desk.read('{"thing_id":"1","name":null,"amount":"","status":"NULL"}\n', NAME)
    assert desk.rows() == [("1", None, None, "NULL", None)]


def test_extra_keys_are_rescued_and_noted(desk):
    reading = desk.read(
        '[{"thing_id":"1","Colour":"red","n":1.50},{"thing_id":"2","more":{"a":[]},"details":1,'
        '"name":"","amount":1,"status":"s"}]',
        NAME,
    )
    assert desk.rows("_rescued") == [('{"Colour":"red","n":1.50}',), ('{"more":{"a":[]}}',)]
    assert reading.drift == {"extra": ["Colour", "n", "more"], "missing": []}


def test_op_is_a_column_of_every_feed(desk):
    desk.read('{"thing_id":"1","_OP":"D"}\n{"thing_id":"2"}\n', NAME)
    assert desk.rows("_op, _rescued") == [("D", None), (None, None)]


def test_optional_keys_missing_are_null_and_noted(desk):
    reading = desk.read('[{"thing_id":"1"},{"name":"b","thing_id":"2"}]', NAME)
    assert desk.rows("thing_id, name") == [("1", None), ("2", "b")]
    assert reading.drift == {"extra": [], "missing": ["amount", "status", "details"]}


def test_a_required_key_in_no_object_refuses_the_file(desk):
    refusal = desk.refusal('[{"name":"a"},{"name":"b"}]', NAME)
    assert refusal.code == "missing_columns"
    assert "thing_id" in refusal.message
    assert desk.read('[{"name":"a"},{"thing_id":"b"}]', NAME).rows_loaded == 2


@pytest.mark.parametrize(
    "second",
    ['"thing_id":"3"', '"Thing_ID ":"3"', '"label":"3"', '"x":1,"x":2', '"\\u006eame":"b"'],
)
def test_two_keys_of_one_name_refuse_the_file(desk, second):
    refusal = desk.refusal('{"thing_id":"1"}\n{"thing_id":"2","name":"a",' + second + "}\n", NAME)
    assert refusal.code == "duplicate_columns"
    assert "record 2" in refusal.message


def test_a_key_twice_inside_a_value_is_no_matter(desk):
    assert desk.read('{"thing_id":"1","details":{"a":1,"a":2}}\n', NAME).rows_loaded == 1


@pytest.mark.parametrize("text", ["[]", " [ ]\n", "[\n]\n"])
def test_an_empty_array_is_loaded_with_no_rows(desk, text):
    reading = desk.read(text, NAME)
    assert (reading.rows_read, reading.drift) == (0, None)
    assert desk.rows() == []


NO_OBJECTS = ["42", "null", '"text"', "[1,2]", "not json", '{"thing_id":', '{"thing_id":"x",}']
NO_OBJECTS += ['{"thing_id":NaN}', '{"thing_id":-Infinity}', "{'thing_id':1}", '{"thing_id":01}']
NO_OBJECTS += [
    '{"thing_id":"\t"}',
    '{"thing_id":"\\ud800"}',
    '{"thing_id":1} x',
    '{"thing_id":"\0"}',
]


@pytest.mark.parametrize("line", NO_OBJECTS)
def test_a_line_that_is_no_object_is_rejected_and_reading_goes_on(desk, line):
    good = '{"thing_id":"%d"}\n'
    reading = desk.read(good % 1 + "\n" + line + "\n" + good % 2 + good % 3, NAME)
    assert desk.rows("thing_id, _row_number") == [("1", 1), ("2", 3), ("3", 4)]
    [(number, raw, error)] = desk.rejected()
    assert (number, raw) == (3, line)
    assert error
    assert (reading.rows_read, reading.rows_loaded, reading.rows_rejected) == (4, 3, 1)


@pytest.mark.parametrize("element", ["42", "null", '"te\\"xt]"', "[1,\n2]", '{"a":"\\udc00"}'])
def test_an_element_that_is_no_object_is_rejected_and_reading_goes_on(desk, element):
    desk.read('[{"thing_id":"1"},\n\n ' + element + ' ,{"thing_id":"2"}]', NAME)
    assert desk.rows("thing_id, _row_number") == [("1", 1), ("2", 3)]
    assert desk.rejected()[0][:2] == (3, element)


BROKEN = {
    '[{"thing_id":1},\n {"thing_id":}]\n': "line 2, column 14",
    '[{"thing_id":1},\n {"thing_id":}]': "line 2, column 14",
    '[{"thing_id":1}\n {"thing_id":2}]\n': "line 2, column 2",
    '[{"thing_id":1},]\n': "line 1, column 17",
    '[{"thing_id":1}]\n[]\n': "line 2, column 1",
    '[{"thing_id":1},\n': "line 2, column 1",
    '[{"thing_id":1,}]\n': "line 1, column 1",
    '[{"thing_id":NaN}]\n': "NaN",
    "[\n": "line 2, column 1",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_array_refuses_the_file_with_its_position(desk, text):
    refusal = desk.refusal(text, NAME)
    assert refusal.code == "bad_json"
    assert BROKEN[text] in refusal.message


WHOLE = '[{"thing_id":"1","amount":-1.5e3},\n {"name":"\\u00e9\\n","details":true}]'


@pytest.mark.parametrize("length", range(1, len(WHOLE)))
def test_an_array_that_stops_anywhere_without_newline_is_truncated(desk, length):
    cut = WHOLE[:length]
    expected = "bad_json" if cut.endswith("\n") else "truncated"
    assert desk.refusal(cut, NAME).code == expected


@pytest.mark.parametrize(
    "text", ["[1,2]", "[null]\n", "1\n2\n", "not json", "nope\n{\n", '"x"', "1"]
)
def test_a_file_without_an_object_is_refused(desk, text):
    refusal = desk.refusal(text, NAME)
    assert refusal.code == "bad_json"
    assert "line 1" in refusal.message


@pytest.mark.parametrize("last", ['{"thing_id":', '{"thing_id":"2', '{"thing_id":"2"', "tru"])
def test_a_cut_last_line_refuses_the_file(desk, last):
    whole = '{"thing_id":"1"}\n'
    refusal = desk.refusal(whole + last, NAME)
    assert refusal.code == "truncated"
    assert "2" in refusal.message
    assert desk.read(whole + last + "\n", NAME).rows_rejected == 1


def test_a_line_before_blanks_is_not_cut(desk):
    assert desk.read('{"thing_id":"1"}\n{"thing_id":"2"\n  ', NAME).rows_rejected == 1


@pytest.mark.parametrize("last", ["42", "null", "[1,2]", '{"thing_id":"\\ud800"}'])
def test_a_last_line_that_is_json_but_no_record_is_rejected(desk, last):
    desk.read('{"thing_id":"1"}\n' + last, NAME)
    assert [raw for _, raw, _ in desk.rejected()] == [last]


def test_a_cut_pretty_object_refuses_the_file(desk):
    whole = json.dumps(ONE, indent=2)
    assert desk.refusal(whole[:-20], NAME).code == "truncated"
    assert desk.refusal(whole[: whole.rindex("\n", 0, -2)] + "\n  ", NAME).code == "truncated"


def test_a_whole_last_line_without_newline_is_loaded(desk):
    assert desk.read('{"thing_id":"1"}\n{"thing_id":"2"}', NAME).rows_loaded == 2


def test_a_feed_may_require_the_final_newline(desk):
    desk.set(final_newline="required")
    assert desk.refusal('[{"thing_id":"1"}]', NAME).code == "truncated"
    assert desk.read('[{"thing_id":"1"}]\n', NAME).rows_loaded == 1


def test_lines_behind_one_that_is_an_array_are_read(desk):
    reading = desk.read('["v1"]\n{"thing_id":"1"}\n\n{"thing_id":"2"}\n', NAME)
    assert (reading.rows_read, reading.rows_rejected) == (3, 1)
    assert desk.rows("thing_id") == [("1",), ("2",)]


def test_too_many_rejected_records_refuse_the_file(desk):
    assert desk.read('[{"thing_id":"1"},2]', NAME).rows_rejected == 1
    refusal = desk.refusal('[{"thing_id":"1"},2,3]', NAME)
    assert refusal.code == "too_many_rejects"
    assert "2 of 3" in refusal.message


def test_a_csv_feed_may_come_as_json(desk):
    desk.set(format="csv")
    desk.read(json.dumps([ONE]), NAME)
    assert desk.rows() == [READ]


def test_policies_hold_for_json_too(desk):
    desk.set(duplicate_key_policy="discard_file", unknown_status_policy="discard_file")
    assert desk.refusal('[{"thing_id":1},{"thing_id":"1 "}]', NAME).code == "duplicate_keys"
    assert desk.refusal('[{"thing_id":1,"status":"lost"}]', NAME).code == "unknown_status"


@pytest.mark.parametrize("last", ["", "nope\n"], ids=["at once", "one by one"])
@pytest.mark.parametrize("depth", [50, 100_000])
def test_deep_nesting_is_read_or_rejected(desk, depth, last):
    deep = '{"thing_id":"1","details":' + "[" * depth + "]" * depth + "}\n"
    reading = desk.read(deep + '{"thing_id":"2"}\n{"thing_id":"3"}\n' + last, NAME)
    assert reading.rows_read == 3 + bool(last)
    assert ("2",) in desk.rows("thing_id")


def test_a_deep_array_is_read_or_refused(desk):
    deep = '[{"thing_id":"1","details":' + "[" * 100_000 + "]" * 100_000 + "}, 1]"
    assert desk.refusal(deep, NAME).code == "unreadable"


def test_a_value_of_megabytes_is_read(desk):
    long = '{"thing_id":"' + "x" * 20_000_000 + '"}'
    for text in (f"[{long}]", long + '\n{"thing_id":1}\nnope\n'):
        desk.read(text, NAME)
        assert desk.rows("length(thing_id)")[0] == (20_000_000,)


def test_a_record_that_never_ends_refuses_the_file(desk, monkeypatch):
    monkeypatch.setattr("orchestration.loader.json_records.MAX_RECORD", 1_000)
    monkeypatch.setattr("orchestration.loader.json_records._CHUNK", 100)
    long = '{"thing_id":"' + "x" * 5_000 + '"}'
    assert desk.refusal("nope\n" + long, NAME).code == "unreadable"
    assert desk.refusal('[1,{"thing_id":1},\n' + long + "]", NAME).code == "unreadable"


def test_elements_that_cross_the_pieces_read_are_whole(desk, monkeypatch):
    monkeypatch.setattr("orchestration.loader.json_records._CHUNK", 7)
    desk.read('[12345678,\n{"thing_id":"aé\\"]"},\n{"thing_id":-12345.678 } ,{"thing_id":2}]', NAME)
    assert desk.rows("thing_id") == [('aé"]',), ("-12345.678",), ("2",)]
    assert desk.rejected()[0][:2] == (1, "12345678")


def test_three_thousand_keys_are_read(desk):
    thing = {"thing_id": "1"} | {f"x{n}": n for n in range(3_000)}
    desk.read(json.dumps([thing]), NAME)
    assert json.loads(desk.rows("_rescued")[0][0])["x2999"] == 2999
