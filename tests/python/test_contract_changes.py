"""A contract changes after files were loaded by it: what came before stays right, and hidden."""

from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from person import ADA, BOB, STREET, address, as_csv
from warehouse import Warehouse, assert_passed

from orchestration.builds import begin_build
from orchestration.contracts import load_contracts
from orchestration.erasure.files import Files, roots
from orchestration.erasure.find import contacts_of, find_rows, traces_of
from orchestration.erasure.look import look
from orchestration.erasure.tables import clear_tables
from orchestration.loader.load import connect, load_landing
from orchestration.loader.retract import retract
from orchestration.publish import current_file, publish, steward_edition
from orchestration.settings import ConfigurationError

CONTRACTS = "models/bronze/_bronze__sources.yml"
TEXT = "config: {meta: {type: text}}"
STATE = f'- name: state\n            description: "State or province."\n            {TEXT}'
CITY = f'- name: city\n            description: "Town."\n            {TEXT}'
PHONE = '- name: phone\n            description: "Phone number.'


def write_contract(warehouse: Warehouse, feed: str, *options: str, named: str | None = None) -> str:
    """Give a feed's contract options, or the feed another name; the file's text before."""
    file = warehouse.settings.project_dir / CONTRACTS
    text = file.read_text()
    head, feed_begins, rest = text.partition(f"      - name: {feed}\n")
    rest, format_line, columns = rest.partition("              format: ")
    lines = "".join(f"              {option}\n" for option in options)
    feed_begins = feed_begins.replace(feed, named or feed)
    file.write_text("".join([head, feed_begins, rest, lines, format_line, columns]))
    return text


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse.with_own_project(tmp_path)


def loaded(warehouse: Warehouse, **files: list[dict]) -> dict[str, str]:
    """Drop CSV files (addresses_15=rows) and load; name → status."""
    for name, rows in files.items():
        feed, day = name.rsplit("_", 1)
        warehouse.drop_rows(f"{feed}_2025_01_{day}.csv", rows)
    return {file.file_name: file.status for file in warehouse.load().files}


def living(key: str, **more: str) -> dict:
    return address("1 Main St", 10, key) | {"address_id": key} | more


@pytest.mark.parametrize("is_late", [False, True], ids=["at once", "after a load without alias"])
def test_a_renamed_column_keeps_its_rows(warehouse, is_late):
    loaded(warehouse, addresses_15=[living("A", state="Bavaria")])
    renamed = STATE.replace("state", "province")
    if is_late:
        warehouse.edit(CONTRACTS, STATE, renamed)
        loaded(warehouse, addresses_16=[living("B", province="Hesse")])
        warehouse.edit(CONTRACTS, renamed, STATE)
    warehouse.edit(CONTRACTS, STATE, renamed.replace("text}", "text, aliases: [State]}"))
    loaded(warehouse, addresses_17=[living("C", state="Saxony")])
    assert dict(warehouse.ask("select address_id, province from bronze.addresses")) == {
        "A": "Bavaria",
        "C": "Saxony",
    } | ({"B": "Hesse"} if is_late else {})
    columns = [name for name, *_ in warehouse.ask("describe bronze.addresses")]
    assert "state" not in columns


@pytest.mark.parametrize("ending", ["csv", "ndjson"])
def test_a_column_has_what_was_delivered_before_its_contract_knew_it(warehouse, ending):
    rows = [
        living("A", Shape="1.10", **{"odd ": "x"}),
        living("B", Shape="[1.0]"),
        living("C", Shape=""),
    ]
    warehouse.drop_rows(f"addresses_2025_01_15.{ending}", rows)
    warehouse.load()
    known = STATE.replace("text}", "text, aliases: [shape]}")
    warehouse.edit(CONTRACTS, STATE, known)
    warehouse.load()
    ask = "select address_id, state, _rescued from bronze.addresses order by all"
    drift = "select drift from bronze.files"
    lifted, ledger = warehouse.ask(ask), warehouse.ask(drift)
    assert [state for _, state, _ in lifted] == ["1.10", "[1.0]", None]
    fresh = Warehouse.at(
        warehouse.settings.data_dir.with_name("fresh"), warehouse.settings.project_dir
    )
    fresh.drop_rows(f"addresses_2025_01_15.{ending}", rows)
    fresh.load()
    assert (lifted, ledger) == (fresh.ask(ask), fresh.ask(drift))


def test_two_columns_side_by_side_do_not_become_one(warehouse):
    loaded(warehouse, addresses_14=[living("A", state="Bavaria", country="DE")])
    file = warehouse.settings.project_dir / CONTRACTS
    as_today = file.read_text()
    country = '- name: country\n            description: "Country as delivered."\n'
    warehouse.edit(CONTRACTS, f"          {country}            {TEXT}\n", "")
    warehouse.edit(CONTRACTS, STATE, STATE.replace("text}", "text, aliases: [country]}"))
    said = r"'addresses'.* record 1 of addresses_2025_01_14.csv has 'country' and 'state'"
    with pytest.raises(ConfigurationError, match=said):
        warehouse.load()
    file.write_text(as_today)
    assert warehouse.ask("select state, country from bronze.addresses") == [("Bavaria", "DE")]
    loaded(warehouse, addresses_15=[living("A", state="Bavaria", province="Hesse")])
    warehouse.edit(CONTRACTS, STATE, STATE.replace("text}", "text, aliases: [province]}"))
    said = r"'addresses'.* record 1 of addresses_2025_01_15.csv has two 'state'"
    with pytest.raises(ConfigurationError, match=said):
        warehouse.load()
    rows = warehouse.ask("select state, _rescued from bronze.addresses order by _file_id")
    assert rows[1] == ("Bavaria", '{"province":"Hesse"}')


def test_a_personal_column_that_left_its_contract_still_tells_of_her(warehouse):
    loaded(warehouse, customers_15=[ADA | {"preferences": "{}"}])
    warehouse.edit(CONTRACTS, PHONE, PHONE.replace("phone", "mobile"))
    contracts = load_contracts(warehouse.settings.contracts_file)
    key = ADA["customer_id"]
    with closing(connect(warehouse.settings)) as connection:
        rows = find_rows(connection, contracts, key)
        contacts = contacts_of(connection, warehouse.settings, contracts, rows, key)
        assert ADA["phone"] in contacts
        traces = traces_of(connection, contracts, rows, key, contacts)
        assert ADA["phone"] in traces.telling
        connection.execute("create schema snapshots")
        connection.execute(
            "create table snapshots.customers_history as select ? as customer_id, 1 as birth_year,"
            " 'x' as phone_masked, 'bare' as email",
            [key],
        )
        connection.execute("create schema silver")
        connection.execute(
            "create table silver.stg_customers as select customer_id, _file_id, _row_number"
            ", []::varchar[] as rejection_reasons from bronze.customers"
        )
        rows = find_rows(connection, contracts, key)
        clear_tables(connection, contracts, rows, traces, [])
        history = connection.execute("from snapshots.customers_history").fetchall()
    assert history == [(key, None, None, None)]


def test_stewards_versions_tell_of_her_by_the_columns_they_have(warehouse):
    loaded(warehouse, customers_15=[ADA | {"preferences": "{}"}])
    warehouse.edit(CONTRACTS, "- name: email\n", "- name: mail\n")
    text = (warehouse.settings.project_dir / CONTRACTS).read_text()
    text = text.replace("mask: email}", "mask: email, aliases: [email]}", 1)
    (warehouse.settings.project_dir / CONTRACTS).write_text(text)
    contracts = load_contracts(warehouse.settings.contracts_file)
    current = steward_edition(warehouse.settings).current
    current.parent.mkdir(parents=True)
    with closing(duckdb.connect(current)) as published:
        published.execute("create schema steward")
        published.execute(
            "create table steward.customers as select * from (values (?, 'old@mail.example'),"
            " ('C-08', 'bob@mail.example')) as t (customer_id, email)",
            [f" {ADA['customer_id']}"],
        )
        published.execute("create table steward.addresses as select 'A' as address_id")
    with closing(connect(warehouse.settings)) as connection:
        rows = find_rows(connection, contracts, ADA["customer_id"])
        key = ADA["customer_id"]
        contacts = contacts_of(connection, warehouse.settings, contracts, rows, key)
    assert {"old@mail.example", ADA["email"]} <= contacts
    assert "bob@mail.example" not in contacts


def test_an_archived_file_is_rewritten_as_it_was_read(warehouse):
    as_today = write_contract(warehouse, "addresses", 'delimiter: ";"', "encoding: latin-1")
    hers, others = address(STREET, 10), living("A-2", city="Köln", customer_id=BOB["customer_id"])
    text = as_csv([hers, others]).replace(",", ";")
    warehouse.drop("addresses_2025_01_15.csv", text.encode("latin-1"))
    assert warehouse.load().files[0].status == "loaded"
    (warehouse.settings.project_dir / CONTRACTS).write_text(as_today)
    settings = warehouse.settings
    contracts = load_contracts(settings.contracts_file)
    with closing(connect(settings)) as connection:
        key = ADA["customer_id"]
        rows = find_rows(connection, contracts, key)
        contacts = contacts_of(connection, settings, contracts, rows, key)
        traces = traces_of(connection, contracts, rows, key, contacts)
        cleared = Files(connection, settings, contracts, rows, traces)
        cleared.clear(look(roots(settings, settings.data_dir / "home"), traces))
    (archived,) = (settings.archive / "addresses").iterdir()
    assert archived.read_bytes() == text.replace(STREET, "").encode("latin-1")


def test_a_duplicate_stands_in_as_its_original_was_read(warehouse):
    for name in ("addresses_2025_01_15.csv", "addresses_2025_01_15_again.csv"):
        warehouse.drop(name, as_csv([living("A")]))
        warehouse.load()
    write_contract(warehouse, "addresses", 'delimiter: ";"')
    with closing(connect(warehouse.settings)) as connection:
        retract(connection, "addresses_2025_01_15.csv", "a test")
    assert loaded(warehouse) == {"addresses_2025_01_15_again.csv": "loaded"}


def test_a_renamed_feed_is_told_and_its_files_are_taken_anew(warehouse):
    rows = [living("A")]
    loaded(warehouse, addresses_15=rows)
    write_contract(warehouse, "addresses", "aliases: [addresses]", named="places")
    said: list[str] = []
    with closing(connect(warehouse.settings)) as connection:
        contracts = load_contracts(warehouse.settings.contracts_file)
        load_landing(connection, warehouse.settings, contracts, report=said.append)
    assert [line for line in said if line.startswith("addresses: no contract has this feed")]
    # The same file again: no leftover of the feed that was.
    assert loaded(warehouse, addresses_15=rows) == {"addresses_2025_01_15.csv": "loaded"}
    assert loaded(warehouse, addresses_15=rows) == {"addresses_2025_01_15.csv": "duplicate"}
    assert warehouse.ask("select count(*) from bronze.places") == [(1,)]


def test_deltas_become_no_full_lists_that_delete_too_much(warehouse):
    product = {"product_name": "P", "price": "1", "updated_at": "2025-01-15"}
    for day, keys in ((15, "ABCDE"), (16, "A")):
        rows = [product | {"product_id": key} for key in keys]
        loaded(warehouse, **{f"products_{day}": rows})
    write_contract(warehouse, "products", "extract: full")
    problem = r"'products': extract is full now.* 4 of the 5 keys"
    with pytest.raises(ConfigurationError, match=problem):
        warehouse.load()
    as_meant = write_contract(warehouse, "products", "max_deleted_ratio: 0.8")
    assert "loaded" in loaded(warehouse, products_17=[*rows, *rows]).values()
    (warehouse.settings.project_dir / CONTRACTS).write_text(as_meant)
    assert loaded(warehouse) == {}


def test_a_seed_may_gain_a_column_and_other_values(warehouse):
    assert_passed(warehouse.dbt("seed"))
    file = warehouse.settings.project_dir / "seeds/event_types.csv"
    header, first, *rest = file.read_text().splitlines()
    fields = first.split(",")
    fields[2] = "1.4"
    file.write_text(
        "\n".join([f"{header},hint", ",".join([*fields, "x"]), *(f"{row}," for row in rest)])
    )
    assert_passed(warehouse.dbt("seed"))
    assert warehouse.ask("select * from seeds.event_types where hint = 'x'")[0][2] == 1.4


def test_a_feed_that_dbt_is_not_told_of_is_named(warehouse):
    warehouse.edit("dbt_project.yml", "    - inventory\n", "")
    warehouse.load()
    result = warehouse.build("--select", "+stg_inventory")
    (said,) = [row.message for row in result.result if row.status == "error"]
    assert "stg_inventory is no model of a feed in vars.feeds (dbt_project.yml)" in said


def test_what_is_marked_personal_is_hidden_wherever_it_stood(warehouse):
    def publish_build(number: int) -> bytes:
        assert_passed(warehouse.build("--select", "+path:snapshots/addresses_history.yml"))
        with closing(duckdb.connect(warehouse.settings.warehouse)) as connection:
            begin_build(connection, str(number))
            publish(connection, warehouse.settings, str(number))
        return current_file(warehouse.settings).read_bytes()

    loaded(warehouse, customers_15=[BOB | {"preferences": "{}"}])
    loaded(
        warehouse,
        addresses_15=[living("A", customer_id="C-08", city="or odd@mail.example", state="Zorglub")],
    )
    assert b"Zorglub" in publish_build(1)
    warehouse.edit(CONTRACTS, STATE, STATE.replace("text}", "text, pii: true, mask: drop}"))
    warehouse.edit(CONTRACTS, CITY, CITY.replace("text}", "text, pii: true, mask: redact}"))
    published = publish_build(2)
    assert b"Zorglub" not in published
    assert b"odd@mail" not in published
    columns = [name for name, *_ in warehouse.ask("describe snapshots.addresses_history")]
    assert "state" not in columns
    assert warehouse.ask("select distinct city from snapshots.addresses_history") == [
        ("or [redacted]",)
    ]
