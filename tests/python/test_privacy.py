"""People's data stays out of sight: outside bronze nothing personal stands in the clear."""

import hashlib
import hmac
import json
import re
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from warehouse import Warehouse

from orchestration.builds import create_builds
from orchestration.contracts import load_contracts
from orchestration.pii_key import KEY_FILE, hmac_pads, read_or_make_key
from orchestration.publish import current_file, steward_edition
from orchestration.settings import ConfigurationError, Settings
from orchestration.warehouse import make_key, open_warehouse

EMAIL = re.compile(r"[\w.+-]+(@|%40)[\w-]+\.[\w.]+")
PHONE = re.compile(r"\+[1-9]([ ()./-]{0,3}\d){7,14}")

_COMMON = ("first_name", "last_name", "date_of_birth")


def texts(connection: duckdb.DuckDBPyConnection, but: tuple[str, ...] = ()) -> dict[str, set[str]]:
    """schema.table.column → its distinct values as text, of every column that may hold text."""
    columns = connection.execute(
        "select table_schema, table_name, column_name from information_schema.columns"
        " where data_type like '%VARCHAR%' and table_catalog = current_database()"
    ).fetchall()
    return {
        f"{schema}.{table}.{column}": {
            value
            for (value,) in connection.execute(
                f'select distinct "{column}"::varchar from "{schema}"."{table}"'
            ).fetchall()
            if value is not None
        }
        for schema, table, column in columns
        if schema not in but
    }


@pytest.fixture(scope="module")
def personal(built) -> dict[tuple[str, str], set[str]]:
    """Feed and column → the personal values that were delivered.

    Only of columns where none is there by chance: a last name may be a town or a brand, a birthday
    somebody's day of registration.
    """
    with closing(duckdb.connect(built.settings.warehouse, read_only=True)) as connection:
        return {
            (contract.feed, column.name): {
                value.strip()
                for (value,) in connection.execute(
                    f"select distinct {column.name} from bronze.{contract.feed}"
                ).fetchall()
                if value is not None and len(value.strip()) > 6
            }
            for contract in load_contracts(built.settings.contracts_file).values()
            for column in contract.columns
            if column.pii and column.name not in _COMMON and column.mask != "redact"
        }


@pytest.mark.parametrize("file", ["warehouse", "published"])
def test_nothing_personal_stands_in_the_clear(built, personal, file):
    path = built.settings.warehouse if file == "warehouse" else current_file(built.settings)
    with closing(duckdb.connect(path, read_only=True)) as connection:
        found = texts(connection, but=("bronze",))
    assert any(column.startswith("gold.") for column in found)
    values = set().union(*found.values())
    everything = "\n".join(values)
    assert not EMAIL.search(everything)
    assert not PHONE.search(everything)
    assert len(personal["customers", "email"]) > 10
    for column, delivered in personal.items():
        assert not [value for value in delivered if value in everything], column


_SHOWN = """
select {{ redact('said') }}
    {%- for mask in ('email', 'phone') %}
        {%- for left in masked_columns({'name': 'said', 'mask': mask}) %}
            {%- if not left.name.endswith('_hash') %}, {{ left.expression }}{% endif %}
        {%- endfor %}
    {%- endfor %}
from (select unnest($said) as said)
"""


@pytest.fixture(scope="module")
def left_of(tmp_path_factory):
    """What masks leave of texts: redacted; domain, and whether there is one; last digits."""
    warehouse = Warehouse.with_own_project(tmp_path_factory.mktemp("redacted"))
    model = warehouse.settings.project_dir / "models" / "silver" / "shown.sql"
    model.write_text(_SHOWN)
    compiled = warehouse.dbt("compile", "--select", "shown")
    (sql,) = [one.node.compiled_code for one in compiled.result.results]

    def ask(said: list[str | None]) -> list[tuple]:
        with duckdb.connect() as connection:
            return connection.execute(sql, {"said": said}).fetchall()

    return ask


@pytest.fixture(scope="module")
def redacted(left_of):
    return lambda said: [text for text, *_ in left_of(said)]


@pytest.mark.parametrize(
    ("said", "domain", "masked"),
    [
        ("Ann@Example.COM", "example.com", "*********"),
        ("5@my flat", None, "*********"),
        ("+49 (30) 12345", None, "*******45"),
        ("room 123456", None, "*********"),
        ("1" * 16, None, "*********"),
    ],
)
def test_a_mask_leaves_nothing_of_what_is_no_address_or_number(left_of, said, domain, masked):
    (left, nothing) = left_of([said, None])
    assert left[1:] == (domain, True, masked)
    assert nothing == (None, None, False, None)


def test_contacts_in_texts_are_blotted_out_however_they_are_written(redacted):
    contacts = [
        "ada@example.com",
        "a.b%40example.co.uk",
        "jörg.o@müller.de",
        "+44 20 7946 0018",
        "+1 (555) 123-4567",
        "+49 (0)171/234 56 78",
        "%2b491712345678",
        "%2B1%20%28555%29%20123%204567",
        "%2B49+171+7654323",
        "%2B49+171%2F7654324",
        "+49\u00a0171\u00a07654322",
        "+49\u2013171\u20137654326",
        "+49\t171\t7654327",
        "jo\u0308rg@mu\u0308ller.de",
        "x@my_host.example",
        "198.51.100.9",
        "2001:db8::8a2e:370:7334",
        "2001:0db8:0000:0000:0000:8a2e:0370:7334",
    ]
    said = [f"?q=call {contact}&page=2" for contact in contacts]
    others = [
        "cups+plates",
        "+12,50 EUR",
        "order 1234567890",
        "2025-01-15T10:00:00+01:00",
        "50%2Boff",
        "firmware 1.2.3 of 10:15:30",
    ]
    assert redacted([*said, *others]) == ["?q=call [redacted]&page=2"] * len(said) + others


@pytest.mark.parametrize("contact", ["max@web.de", "+49 171 7654321", "198.51.100.9"])
@pytest.mark.parametrize(
    "before", ["\n", "\t", "\u00e9", "\x01", '"', "\\", "\\\\n", "/", "a\n\t", ""]
)
def test_json_stays_json_without_its_contacts(redacted, before, contact):
    document = {"said": [f"call {before}{contact}\n"], "n": 1}
    for as_ascii in (True, False):
        (text,) = redacted([json.dumps(document, ensure_ascii=as_ascii)])
        (left,) = json.loads(text)["said"]
        assert left.endswith("[redacted]\n")
        assert not any(piece in left for piece in ("max", "171", "198"))


def test_stewards_have_the_contacts_and_the_held_rows_as_delivered(built, personal):
    with closing(duckdb.connect(steward_edition(built.settings).current, read_only=True)) as one:
        found = texts(one)
        one.execute(f"attach '{built.settings.warehouse}' as warehouse (read_only)")
        same = one.execute(
            "select (select count(*) from steward.customers)"
            " = (select count(*) from warehouse.silver.customers),"
            " (select count(*) from steward.addresses)"
            " = (select count(*) from warehouse.silver.addresses),"
            " (select count(*) from steward.quarantine)"
            " = (select count(*) from warehouse.silver.quarantine),"
            " (select count(*) from steward.rejected_rows)"
            " = (select count(*) from warehouse.bronze.rejected_rows),"
            " (select version from audit.published) = 1"
        ).fetchone()
    assert same == (True,) * 5
    for feed, column in (
        ("customers", "email"),
        ("customers", "phone"),
        ("addresses", "address_line_1"),
    ):
        values = set().union(*(values for name, values in found.items() if name.endswith(column)))
        assert len(values & personal[feed, column]) > 10, column
    assert len(found["steward.customers.first_name"]) > 10
    originals = "\n".join(found["steward.quarantine.original"])
    assert "[personal]" not in originals
    assert any(value in originals for value in personal["customers", "email"])
    assert found["steward.rejected_rows.raw"]


@pytest.mark.parametrize("file", ["warehouse", "published"])
def test_names_have_no_column_outside_bronze(built, file):
    path = built.settings.warehouse if file == "warehouse" else current_file(built.settings)
    with closing(duckdb.connect(path, read_only=True)) as connection:
        columns = connection.execute(
            "select column_name from information_schema.columns where table_schema <> 'bronze'"
            " and table_catalog = current_database()"
        ).fetchall()
    dropped = {
        column.name
        for contract in load_contracts(built.settings.contracts_file).values()
        for column in contract.columns
        if column.mask == "drop"
    }
    assert not dropped & {name for (name,) in columns}


def test_an_address_becomes_its_hmac_under_the_key(built):
    key = (built.settings.data_dir / KEY_FILE).read_text()
    with closing(duckdb.connect(built.settings.warehouse, read_only=True)) as connection:
        rows = connection.execute(
            "select staged.email_hash, lower(trim(bronze.email))"
            " from silver.stg_customers as staged inner join bronze.customers as bronze"
            " on staged._file_id = bronze._file_id and staged._row_number = bronze._row_number"
            " where staged.email_hash is not null"
        ).fetchall()
    assert len(rows) > 10
    for hashed, address in rows:
        assert hashed == hmac.new(key.encode(), address.encode(), hashlib.sha256).hexdigest()


def test_the_key_stands_nowhere_but_in_its_file(built, scratch: Path):
    key_file = built.settings.data_dir / KEY_FILE
    key = key_file.read_bytes()
    traces = [key, key.hex().encode(), *hmac_pads(key.decode())]
    read = [path for path in scratch.rglob("*") if path.is_file() and path != key_file]
    assert any(path.name == "manifest.json" for path in read)
    assert any(path.name == "dbt.log" for path in read)
    for path in read:
        content = path.read_bytes()
        assert not [trace for trace in traces if trace in content], path


def test_without_the_key_a_hash_raises(built, tmp_path):
    compiled = Warehouse.at(tmp_path).dbt("compile", "--select", "stg_customers")
    sql = {one.node.name: one.node.compiled_code for one in compiled.result.results}
    with (
        closing(duckdb.connect(built.settings.warehouse, read_only=True)) as connection,
        pytest.raises(duckdb.Error, match="The key of personal identifiers is missing"),
    ):
        connection.execute(sql["stg_customers"]).fetchall()


def test_a_key_that_is_lost_is_made_anew_on_purpose_alone(tmp_path):
    settings = Settings(data_dir=tmp_path)
    assert "was made" in make_key(settings)
    first = read_or_make_key(tmp_path)
    with pytest.raises(ConfigurationError, match="--new-key is for a key that is lost"):
        make_key(settings, anew=True)
    with open_warehouse(settings) as connection:
        create_builds(connection)
        connection.execute("insert into audit.builds (published_version) values (1)")

    (tmp_path / KEY_FILE).unlink()
    with pytest.raises(ConfigurationError, match="Restore it from its copy"):
        make_key(settings)
    settings.published.mkdir()
    (settings.published / "orderhouse.duckdb").touch()
    with pytest.raises(ConfigurationError, match="Restore it from its copy"):
        read_or_make_key(tmp_path)
    assert "was made" in make_key(settings, anew=True)
    assert read_or_make_key(tmp_path) != first


def test_an_empty_key_file_is_refused(tmp_path):
    (tmp_path / KEY_FILE).write_text("\n")
    with pytest.raises(ConfigurationError, match="is empty"):
        read_or_make_key(tmp_path)


def test_a_long_key_is_hashed_first():
    long_key = "k" * 65
    assert hmac_pads(long_key) != hmac_pads("k" * 64)
    inner, outer = hmac_pads(long_key)
    message = b"ada@example.com"
    digest = hashlib.sha256(outer + hashlib.sha256(inner + message).digest()).hexdigest()
    assert digest == hmac.new(long_key.encode(), message, hashlib.sha256).hexdigest()
