"""The rules of "How a file is read" for CSV, each with a real file and its reason code."""

import json
from decimal import Decimal
from time import process_time

import duckdb
import pytest
from delivered_file import HEADER, Desk

from orchestration.contracts import Column
from orchestration.loader.policies import seed_values
from orchestration.loader.reading import total
from orchestration.settings import ConfigurationError

ROW = "1,a,1.50,new,"
READ = ("1", "a", "1.50", "new", None)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def lines(*lines: str) -> str:
    return "".join(line + "\n" for line in lines)


def test_columns_in_another_order_are_loaded_by_name(desk):
    desk.read(lines("status,amount,details,thing_id,name", "new,1.50,,1,a"))
    assert desk.rows() == [READ]


@pytest.mark.parametrize(
    "header",
    ["THING_ID, Name ,amount,status,details", '"thing_id","label","amount",status,details'],
    ids=["case and spaces", "quoted, alias"],
)
def test_header_names_are_trimmed_in_any_case_quoted_or_aliases(desk, header):
    reading = desk.read(lines(header, ROW))
    assert desk.rows() == [READ]
    assert reading.drift is None


def test_a_header_over_two_lines_is_read(desk):
    reading = desk.read(lines('thing_id,"long', 'name"', "1,x"))
    assert desk.rows("thing_id, _rescued") == [("1", '{"long\\nname":"x"}')]
    assert reading.rows_read == 1


def test_an_extra_column_is_rescued_and_noted(desk):
    reading = desk.read(lines(HEADER + ",Colour,Size", ROW + ',red,"L"', ROW + ",NULL,"))
    found = [json.loads(rescued or "null") for (rescued,) in desk.rows("_rescued")]
    assert found == [{"Colour": "red", "Size": "L"}, None]
    assert reading.drift == {"extra": ["Colour", "Size"], "missing": []}


def test_a_loader_column_in_a_file_is_an_extra_column(desk):
    desk.read(lines("thing_id,_row_number,_file_id", "1,77,5"))
    assert desk.rows("_row_number, _rescued") == [(1, '{"_row_number":"77","_file_id":"5"}')]


def test_a_column_without_a_name_is_called_after_its_position(desk):
    reading = desk.read(lines("thing_id,,column_2,", "1,x,y,", "2,,,"))
    assert reading.drift["extra"] == ["column_2_", "column_2", "column_4"]
    assert desk.rows("_rescued") == [
        ('{"column_2_":"x","column_2":"y","column_4":null}',),
        (None,),
    ]


def test_op_is_a_column_of_every_feed(desk):
    reading = desk.read(lines(HEADER + ",_OP", ROW + ",D", ROW + ","))
    assert desk.rows("_op") == [("D",), (None,)]
    assert reading.drift is None


def test_a_missing_required_column_refuses_the_file(desk):
    refusal = desk.refusal(lines("name,amount", "a,1"))
    assert refusal.code == "missing_columns"
    assert "thing_id" in refusal.message


@pytest.mark.parametrize("header", ["thing_id,name,NAME ", "thing_id,name,label", "thing_id,x,X"])
def test_two_columns_of_one_name_refuse_the_file(desk, header):
    refusal = desk.refusal(lines(header, "1,a,b"))
    assert refusal.code == "duplicate_columns"


def test_an_optional_column_missing_is_null_and_noted(desk):
    reading = desk.read(lines("thing_id,amount", "1,2"))
    assert desk.rows() == [("1", None, "2", None, None)]
    assert reading.drift == {"extra": [], "missing": ["name", "status", "details"]}


@pytest.mark.parametrize("header", [HEADER, HEADER + "\n", HEADER + "\r\n\r\n"])
def test_header_only_is_loaded_with_no_rows(desk, header):
    reading = desk.read(header)
    assert (reading.rows_read, reading.rows_loaded, reading.rows_rejected) == (0, 0, 0)
    assert desk.rows() == []


@pytest.mark.parametrize(
    "last",
    ["2,b", '2,b,1,new,"open', '2,"b', '2,"b""', '2,b,1,"new"'],
    ids=["few fields", "open quote", "open quote, few", "open after doubled", "few, quoted"],
)
def test_a_cut_last_line_refuses_the_file(desk, last):
    refusal = desk.refusal(lines(HEADER, ROW) + last)
    assert refusal.code == "truncated"
    assert "3" in refusal.message


def test_a_line_before_blanks_is_not_cut(desk):
    assert desk.read(lines(HEADER, ROW, "2,b") + "  ").rows_rejected == 1
    assert desk.refusal(lines(HEADER, ROW, '2,b,1,new,"open') + "  ").code == "truncated"


def test_a_cut_header_refuses_the_file(desk):
    assert desk.refusal('thing_id,"na').code == "truncated"


def test_a_header_that_cannot_be_read_refuses_the_file(desk):
    refusal = desk.refusal(lines('thing_id,"na"me', "1,2"))
    assert refusal.code == "unreadable"
    assert "line 1" in refusal.message


def test_lines_that_end_in_a_lone_carriage_return_refuse_the_file(desk):
    refusal = desk.refusal(lines(HEADER, ROW, ROW).replace("\n", "\r"))
    assert refusal.code == "unreadable"
    assert "carriage return" in refusal.message


@pytest.mark.parametrize("last", [ROW, "1,a,1.50,new,NULL", '1,a,1.50,new,"{}"'])
def test_a_whole_last_record_without_newline_is_loaded(desk, last):
    assert desk.read(lines(HEADER) + last).rows_loaded == 1


def test_a_last_line_with_too_many_fields_is_rejected_not_a_cut(desk):
    reading = desk.read(lines(HEADER, ROW) + ROW + ",6,7")
    assert (reading.rows_loaded, reading.rows_rejected) == (1, 1)


def test_a_feed_may_require_the_final_newline(desk):
    desk.set(final_newline="required")
    assert desk.refusal(lines(HEADER) + ROW).code == "truncated"
    assert desk.read(lines(HEADER, ROW)).rows_loaded == 1


@pytest.mark.parametrize(
    "encoded",
    [
        lines(HEADER, ROW).encode("utf-8-sig"),
        lines(HEADER, ROW).encode("utf-16"),
        b"\xfe\xff" + lines(HEADER, ROW).encode("utf-16-be"),
        lines(HEADER, ROW).replace("\n", "\r\n").encode(),
        lines(HEADER, ROW).replace("\n", "\r\n").encode("utf-16"),
    ],
    ids=["utf-8 with BOM", "utf-16", "utf-16 big-endian", "CRLF", "utf-16 CRLF"],
)
def test_encodings_and_line_ends_give_the_same_rows(desk, encoded):
    desk.read(encoded)
    assert desk.rows() == [READ]


def test_what_is_inside_quotes_is_part_of_the_value(desk):
    value = 'first line\nsecond, with "quotes" and\r\nmore'
    quoted = '"' + value.replace('"', '""') + '"'
    for end in ("\n", "\r\n"):
        reading = desk.read(end.join([HEADER, f"1,{quoted},,,", "2,b,,,"]) + end)
        assert desk.rows("thing_id, name") == [("1", value), ("2", "b")]
        assert reading.rows_rejected == 0


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("2,b", "2 fields"),
        ("2,b,1,new,,", "more than"),
        ("2,b,1,new,,NULL", "more than"),
        ("2,b,1,new,,6,7", "more than"),
        ('2,"b" c,1,new,', "closing quote"),
        ('2,"never closed,1,new,', "never closes"),
        ('"', "never closes"),
        ("2,\0b,1,new,", "NUL"),
    ],
)
def test_a_line_that_is_no_record_is_rejected_and_reading_goes_on(desk, line, error):
    reading = desk.read(lines(HEADER, ROW, line, "3,c,,,", "4,d,,,"))
    assert desk.rows("thing_id, _row_number") == [("1", 1), ("3", 3), ("4", 4)]
    [(number, raw, why)] = desk.rejected()
    assert (number, raw) == (3, line)
    assert error in why
    assert (reading.rows_read, reading.rows_loaded, reading.rows_rejected) == (4, 3, 1)


def test_a_quote_whose_closing_leaves_a_wrong_width_costs_its_line_only(desk):
    desk.read(lines(HEADER, '1,"stray,1,new,', "2,b,1,new,", '3,c",1,new,,', '4,"d",,,'))
    assert desk.rows("thing_id, name") == [("2", "b"), ("4", "d")]
    assert [number for number, *_ in desk.rejected()] == [2, 4]


def test_line_numbers_are_physical(desk):
    desk.read(lines(HEADER, '1,"two', 'lines",,,', "", "bad", "2,b,,,"))
    assert desk.rows("thing_id") == [("1",), ("2",)]
    assert desk.rejected()[0][:2] == (5, "bad")


def test_blank_lines_are_no_records(desk):
    reading = desk.read(lines("", "  ", HEADER, "", ROW, " ", "2,b,,,", "", ""))
    assert (reading.rows_read, reading.rows_rejected) == (2, 0)
    assert desk.rows("_row_number") == [(1,), (2,)]


def test_a_blank_line_of_a_one_column_file_is_no_record(desk):
    reading = desk.read(lines("thing_id", "1", "", "2", '""'))
    assert desk.rows("thing_id") == [("1",), ("2",), ("",)]
    assert reading.rows_read == 3


def test_empty_fields_and_bare_null_words_are_null_and_quoted_ones_text(desk):
    desk.read(lines(HEADER, "1,NULL,Null,null,", '2,"NULL","",nULL,"null"', "3, NULL ,  ,x,"))
    assert desk.rows() == [
        ("1", None, None, None, None),
        ("2", "NULL", "", "nULL", "null"),
        ("3", None, None, "x", None),
    ]


def test_spaces_around_a_bare_null_word_need_no_quotes_to_be_seen(desk):
    desk.read(lines(HEADER, "1, NULL ,  ,x y, z "))
    assert desk.rows() == [("1", None, None, "x y", " z ")]


def test_text_stays_as_delivered(desk):
    desk.read(lines(HEADER, ' 007 ,  a b ,1.500,5" pipe,é\\n'))
    assert desk.rows() == [(" 007 ", "  a b ", "1.500", '5" pipe', "é\\n")]


def test_a_lone_carriage_return_is_text(desk):
    desk.read(lines(HEADER, "1,a\rb,,,"))
    assert desk.rows("name") == [("a\rb",)]


def test_delimiter_and_quote_come_from_the_contract(desk):
    desk.set(delimiter=";", quote="'")
    desk.read(lines("thing_id;name;amount", "1;'a;b''c';1,5", '2;"x;NULL', "bad"))
    assert desk.rows("thing_id, name, amount") == [("1", "a;b'c", "1,5"), ("2", '"x', None)]


def test_a_tab_delimited_line_of_empty_fields_is_a_record(desk):
    desk.set(delimiter="\t")
    reading = desk.read(lines("thing_id\tname", "\t", "1\ta"))
    assert reading.rows_loaded == 2


def test_too_many_rejected_records_refuse_the_file(desk):
    bad_half = lines(HEADER, ROW, "bad", ROW, "bad")
    assert desk.read(bad_half).rows_rejected == 2
    refusal = desk.refusal(bad_half + "bad\n")
    assert refusal.code == "too_many_rejects"
    assert "3 of 5" in refusal.message


def test_the_share_of_rejects_comes_from_the_contract(desk):
    desk.set(max_rejected_ratio=0.0)
    assert desk.refusal(lines(HEADER, ROW, "bad")).code == "too_many_rejects"
    # In binary 0.29 of 100 is a little less than 29.
    desk.set(max_rejected_ratio=0.29)
    assert desk.read(lines(HEADER, *[ROW] * 71, *["bad"] * 29)).rows_rejected == 29
    assert desk.refusal(lines(HEADER, *[ROW] * 70, *["bad"] * 30)).code == "too_many_rejects"


def test_a_json_feed_may_come_as_csv(desk):
    desk.read(lines(HEADER, '1,a,,,"{""city"": ""Rome"", ""n"": 1.50}"'))
    assert json.loads(desk.rows("details")[0][0]) == {"city": "Rome", "n": 1.5}


def test_latin_1_where_the_contract_says_so(desk):
    desk.set(encoding="latin-1")
    desk.read(lines(HEADER, "1,Köln,,,").encode("latin-1"))
    assert desk.rows("name") == [("Köln",)]


def test_duplicate_keys_refuse_the_file_where_the_contract_says_so(desk):
    doubled = lines(HEADER, "1,a,,,", "2,b,,,", " 1,c,,,", ",d,,,", ",e,,,")
    assert desk.read(doubled).rows_loaded == 5
    desk.set(duplicate_key_policy="discard_file")
    refusal = desk.refusal(doubled)
    assert refusal.code == "duplicate_keys"
    assert "'1'" in refusal.message
    assert desk.read(lines(HEADER, "1,a,,,", ",d,,,", ",e,,,")).rows_loaded == 3


def test_unknown_statuses_refuse_the_file_where_the_contract_says_so(desk):
    unknown = lines(HEADER, "1,a,, NEW ,", "2,b,,lost,")
    assert desk.read(unknown).rows_loaded == 2
    desk.set(unknown_status_policy="discard_file")
    refusal = desk.refusal(unknown)
    assert refusal.code == "unknown_status"
    assert "'lost'" in refusal.message
    deletion = lines(HEADER + ",_op", "1,a,,done,,I", "2,b,,lost,,D", "3,c,,,,")
    assert desk.read(deletion).rows_loaded == 3


def test_a_lookup_is_the_first_column_of_its_seed(tmp_path):
    (tmp_path / "seeds" / "lookups").mkdir(parents=True)
    seed = tmp_path / "seeds" / "lookups" / "statuses.csv"
    seed.write_text("status,note\n Pending ,x\nDONE,\n\n")
    assert seed_values(tmp_path, "statuses") == {"pending", "done"}
    with pytest.raises(ConfigurationError, match=r"no nowhere\.csv"):
        seed_values(tmp_path, "nowhere")


def test_three_thousand_columns_are_read(desk):
    header = "thing_id," + ",".join(f"x{n}" for n in range(3_000))
    row = "1," + ",".join(str(n) for n in range(3_000))
    reading = desk.read(lines(header, row, "bad"))
    assert (reading.rows_loaded, reading.rows_rejected) == (1, 1)
    assert json.loads(desk.rows("_rescued")[0][0])["x2999"] == "2999"


def test_a_field_of_megabytes_is_read(desk):
    long = "x" * 9_000_000
    reading = desk.read(lines(HEADER, f"1,{long},,,", f'2,"{long}",,,', long))
    assert desk.rows("length(name)") == [(9_000_000,), (9_000_000,)]
    assert reading.rows_rejected == 1


def test_a_line_that_never_ends_refuses_the_file(desk, monkeypatch):
    monkeypatch.setattr("orchestration.loader.csv_records.MAX_RECORD", 1_000)
    refusal = desk.refusal(lines(HEADER, "bad", "1," + "x" * 2_000))
    assert refusal.code == "unreadable"
    assert "line 3" in refusal.message


def test_many_open_quotes_do_not_cost_the_square(desk):
    stray = "1,a,1,new,\n" * 20_000
    texts = {
        "never closes": HEADER + '\n1,"a,1,new,\n' + stray,
        "closes at the end": HEADER + '\n1,"a,1,new,\n' + stray + 'x,b",1,new,,,\n',
        "opens on every line": HEADER + "\n" + '1,"a\n' * 20_000,
        "closes and opens on every line": HEADER + "\n" + '","\n' * 20_000,
    }
    desk.set(max_rejected_ratio=1.0)
    for name, text in texts.items():
        begun = process_time()
        reading = desk.read(text)
        assert process_time() - begun < 5, name
        assert reading.rows_read == text.count("\n") - 1, name
    # One line of the first file is bad, the other twenty thousand are rows.
    assert desk.read(texts["never closes"]).rows_rejected == 1


def test_a_fault_of_the_machine_is_no_refusal(desk, tmp_path):
    desk.connection.execute("set allowed_directories = []")
    desk.connection.execute("set enable_external_access = false")
    with pytest.raises(duckdb.PermissionException):
        desk.read(lines(HEADER, ROW))


def test_totals_are_exact_and_count_what_reads_as_a_number(desk):
    values = ["0.10", "0.2", " 7 ", "-1e-2", "+.5", "5.", "1e3", "12345678901234567890.123"]
    others = ["1,000", "$5", "abc", "0x10", "1_000", "NaN", "1e99", "", "1 2"]
    quoted = [f'{n},a,"{value}",new,' for n, value in enumerate(values + others)]
    reading = desk.read(lines(HEADER, *quoted))
    expected = sum(Decimal(value.strip()) for value in values)
    assert total(desk.connection, reading, "amount") == expected
    assert str(total(desk.connection, reading, "name")) == "0"
    with pytest.raises(KeyError):
        total(desk.connection, reading, "no_such_column")


def test_a_total_survives_any_exponent(desk):
    reading = desk.read(lines(HEADER, "1,a,1e-999999999,,", "2,a,9e999999999,,", "3,a,1e2,,"))
    assert str(total(desk.connection, reading, "amount")) == "100"


def test_a_feed_without_a_required_column_in_common_is_named_in_full(desk):
    desk.set(columns=(Column("a", "text", required=True), Column("b", "text", required=True)))
    refusal = desk.refusal(lines("x,y", "1,2"))
    assert refusal.code == "missing_columns"
    assert "a, b" in refusal.message
    assert "x, y" in refusal.message
