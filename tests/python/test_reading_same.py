"""Both ways of reading give the same rows: DuckDB at once, and Python record by record."""

import json
from pathlib import Path

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestration.contracts import Column, Contract
from orchestration.loader import csv_records, json_records
from orchestration.loader.refusal import Refused
from orchestration.loader.spool import Spooled

CONTRACT = Contract(
    feed="things",
    description="",
    columns=(
        Column("id", "text", required=True),
        Column("name", "text", aliases=("label",)),
        Column("amount", "decimal(18,2)"),
    ),
    format="csv",
    key=("id",),
)

odd_fields = """
|NULL|null| NULL | |""|"NULL"|"a,b"|"a""b"|a"b|"a"b| "a"|"a" |"|"open|a b| a |é|\\|\\"|#|\t|"a
b"|"a\r
b"
""".strip("\n").split("|")
fields = st.one_of(st.sampled_from(odd_fields), st.text(alphabet='ab ,"\n\r\\N', max_size=6))
csv_lines = st.lists(fields, min_size=1, max_size=5).map(",".join)
csv_texts = st.tuples(
    st.sampled_from(["id,name,amount", '"id",name,extra', "id,label,amount,", "amount, ID ,more"]),
    st.lists(st.one_of(csv_lines, st.lists(fields, min_size=3, max_size=3).map(",".join))),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
).map(lambda parts: parts[2].join([parts[0], *parts[1]]) + (parts[2] if parts[3] else ""))


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as connection:
        yield connection


def spooled(folder: Path, text: str) -> Spooled:
    path = folder / "spooled.txt"
    path.write_bytes(text.encode())
    return Spooled(path, text.endswith("\n"))


def rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple]:
    return connection.execute(f"select * from {table} order by 1, 2").fetchall()


def objects_in(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple]:
    return connection.execute(f"select n, raw from {table} order by n").fetchall()


@given(text=csv_texts)
@example("id,name,amount\n1,2,3,\n")
@example("id,name,amount\n1,2,3,NULL\n")
@example('id,name,amount\n1,"2,2",\n')
@example('id,name,amount\n1,"2,2",3,\n')
@example('id,name,amount\n1, "x" ,3\n')
@example('id,name,amount\n,,  "')
@example("id,name,amount\n\n1,2,3\n\n")
@example('id,name,amount\n"1","",NULL \n')
def test_csv_reads_the_same_at_once_and_by_record(tmp_path, connection, text):
    file = spooled(tmp_path, text)
    header = csv_records.read_header(CONTRACT, file)
    if not csv_records.stage_at_once(connection, CONTRACT, file, header, "at_once"):
        return
    csv_records.stage_by_record(
        connection, CONTRACT, file, header, "by_record", "by_record_rejected"
    )
    assert rows(connection, "by_record_rejected") == []
    assert rows(connection, "at_once") == rows(connection, "by_record")


@given(
    table=st.lists(
        st.lists(st.text(alphabet='ab ,"\n\ré', max_size=6), min_size=3, max_size=3), max_size=6
    ),
    line_end=st.sampled_from(["\n", "\r\n"]),
    final=st.booleans(),
)
def test_what_is_quoted_by_the_book_comes_back_as_it_was(
    tmp_path, connection, table, line_end, final
):
    lines = ["id,name,amount"]
    lines += [",".join('"' + value.replace('"', '""') + '"' for value in row) for row in table]
    file = spooled(tmp_path, line_end.join(lines) + (line_end if final else ""))
    csv_records.stage_csv(connection, CONTRACT, file, "staged", "staged_rejected")
    found = connection.execute(
        "select id, name, amount, _row_number from staged order by _row_number"
    ).fetchall()
    assert found == [(*row, number) for number, row in enumerate(table, start=1)]
    assert rows(connection, "staged_rejected") == []


@given(text=csv_texts)
def test_every_csv_line_is_in_one_record_or_rejected_or_blank(tmp_path, connection, text):
    file = spooled(tmp_path, text)
    with file.path.open(encoding="utf-8", newline="\n") as lines:
        found = list(csv_records.records(lines, ",", '"', 3))
    covered = [
        line
        for record in found
        for line in range(record.line_number, record.line_number + record.lines)
    ]
    physical = text.split("\n")
    expected = [n for n, line in enumerate(physical, start=1) if n in covered or line.strip()]
    assert covered == expected


numbers = st.one_of(
    st.integers(-(10**30), 10**30).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=2).map(lambda d: format(d, "f")),
    st.sampled_from(["1.50", "1E5", "-0", "-0.0", "1e-7", "0.10", "1234567890123456.78", "1e400"]),
)
texts = st.text(alphabet='a1.:,-"\\é0[]{} \n', max_size=8).map(json.dumps)
scalars = st.one_of(numbers, texts, st.sampled_from(["null", "true", "false", '""', '" "']))
values = st.one_of(
    scalars,
    st.lists(scalars, max_size=2).map(lambda items: "[" + ",".join(items) + "]"),
    scalars.map(lambda scalar: '{"x":' + scalar + "}"),
)
keys = st.sampled_from(['"id"', '"name"', '" Amount"', '"more"', '"a/b~c"'])
objects = st.dictionaries(keys, values, max_size=5).map(
    lambda pairs: "{" + ",".join(f"{key}:{value}" for key, value in pairs.items()) + "}"
)


@given(delivered=st.lists(objects, min_size=1, max_size=5), is_array=st.booleans())
@example(delivered=['{"id":"1","more":":1.50","name":1.50}'], is_array=False)
@example(
    delivered=[r'{"id":"\ue0001.5","name":"\uE000"," Amount":1.25,"more":1.5}'], is_array=False
)
@example(delivered=['{"id":"\ue0001.5","name":"x\ue0002"," Amount":1.25}'], is_array=True)
def test_json_values_are_the_text_that_was_delivered(tmp_path, connection, delivered, is_array):
    first = '{"id":"first"}'
    delivered = [first, *delivered]
    text = "[" + ",\n".join(delivered) + "]" if is_array else "\n".join(delivered) + "\n"
    file = spooled(tmp_path, text)
    json_records.find_one_by_one(connection, file, "raw_one_by_one", "json_rejected")
    if json_records.find_at_once(connection, file, "raw_at_once"):
        assert objects_in(connection, "raw_at_once") == objects_in(connection, "raw_one_by_one")

    json_records.stage_json(connection, CONTRACT, file, "staged", "staged_rejected")
    found = connection.execute("select * from staged order by _row_number").fetchall()
    for raw, row in zip(delivered, found, strict=True):
        value = json.loads(raw, parse_int=Number, parse_float=Number)
        expected = [as_text(value.get(key)) for key in ("id", "name", " Amount")]
        assert list(row[:3]) == expected
        rest = {key: item for key, item in value.items() if key in ("more", "a/b~c")}
        rescued = json.loads(row[3] or "{}", parse_int=Number, parse_float=Number)
        assert rescued == rest


class Number(str):
    """A JSON number as it is written."""


def as_text(value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else as_json(value)


def as_json(value: object) -> str:
    if isinstance(value, Number):
        return value
    if isinstance(value, dict):
        inside = ",".join(f"{as_json(key)}:{as_json(item)}" for key, item in value.items())
        return "{" + inside + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(as_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@given(text=st.text(alphabet='[]{},:"1a\\ \nn.-', max_size=24), final=st.booleans())
@example('[{"a":1},{"b":[1,{"c":"]"}]},3]', True)
def test_an_array_is_read_whole_or_refused_as_python_would(tmp_path, connection, text, final):
    text = "[" + text + ("\n" if final else "")
    file = spooled(tmp_path, text)
    try:
        expected = json.loads(text)
    except json.JSONDecodeError:
        expected = None
    if json_records.find_at_once(connection, file, "raw_at_once"):
        found = objects_in(connection, "raw_at_once")
        assert [json.loads(raw) for _, raw in found] == expected
    with file.path.open(encoding="utf-8", newline="\n") as lines:
        try:
            found = [json.loads(element.raw) for element in json_records.elements(lines, final)]
        except Refused as refused:
            assert expected is None
            assert refused.code in ("bad_json", "truncated")
        else:
            assert found == expected


json_lines = st.one_of(objects, st.text(alphabet='{}[]:,"1a \\', max_size=12), st.just("[1]"))


@given(delivered=st.lists(json_lines, max_size=5), final=st.booleans())
@example(delivered=['{"id":1}', '{"id":1,}'], final=True)
@example(delivered=[' {"id":1}', '\t{"id":1} \r'], final=True)
def test_ndjson_that_is_read_at_once_has_no_line_to_reject(tmp_path, connection, delivered, final):
    file = spooled(tmp_path, "\n".join(['{"id":"first"}', *delivered]) + ("\n" if final else ""))
    if json_records.find_at_once(connection, file, "raw_at_once"):
        json_records.find_one_by_one(connection, file, "raw_one_by_one", "json_rejected")
        assert rows(connection, "json_rejected") == []
        assert objects_in(connection, "raw_at_once") == objects_in(connection, "raw_one_by_one")
