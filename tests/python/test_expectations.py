"""The table of expectations in the landing contract: each reason code, on rows from real files."""

import shutil

import pytest
from warehouse import Warehouse, assert_passed

BATCH = "2025_01_15"

# A row of each feed that meets every expectation.
GOOD = {
    "customers": {
        "customer_id": "C1",
        "first_name": "Ada",
        "last_name": "Smith",
        "email": " Ada@Example.com ",
        "phone": "+44 20 7946 0018",
        "date_of_birth": "1990-05-01",
        "gender": "F",
        "registration_date": "2024-06-01",
        "updated_at": "2025-01-15T08:00:00Z",
    },
    "addresses": {
        "address_id": "A1",
        "customer_id": "C1",
        "address_line_1": "1 High Street",
        "city": "Leeds",
        "state": "Yorkshire",
        "postcode": "01234",
        "country": "GB",
        "updated_at": "2025-01-15T08:00:00Z",
    },
    "products": {
        "product_id": "P1",
        "product_name": "Lamp",
        "price": "10.00",
        "cost_price": "4.00",
        "is_active": "true",
        "launch_date": "2024-01-01",
        "updated_at": "2024-12-01T08:00:00Z",
    },
    "orders": {
        "order_id": "O1",
        "customer_id": "C1",
        "order_date": "2025-01-15T09:00:00Z",
        "order_status": "Delivered ",
        "total_amount": "20.00",
        "updated_at": "2025-01-15T09:00:00Z",
    },
    "order_items": {
        "item_id": "I1",
        "order_id": "O1",
        "product_id": "P1",
        "quantity": "2",
        "unit_price": "10.01",
        "discount_percent": "0",
        "updated_at": "2025-01-15T09:00:00Z",
    },
    "payments": {
        "transaction_id": "T1",
        "order_id": "O1",
        "amount": "20.00",
        "currency": "eur",
        "status": "Captured",
        "transaction_timestamp": "2025-01-15T09:01:00Z",
        "risk_score": "10",
        "ip_address": "192.0.2.7",
        "device_fingerprint": "f00d",
    },
    "shipments": {
        "shipment_id": "S1",
        "order_id": "O1",
        "shipping_cost": "4.50",
        "package_weight_kg": "1.2",
        "estimated_delivery": "2025-01-17",
        "actual_delivery": "2025-01-17",
        "updated_at": "2025-01-15T12:00:00Z",
    },
    "inventory": {
        "product_id": "P1",
        "warehouse_id": "W1",
        "snapshot_date": "2025-01-15",
        "quantity_on_hand": "5",
        "quantity_reserved": "1",
    },
    "clickstream": {
        "event_id": "E1",
        "session_id": "V1",
        "event_type": "Page_View",
        "event_timestamp": "2025-01-15T08:59:00Z",
    },
}
KEYS = {
    "customers": "customer_id",
    "addresses": "address_id",
    "products": "product_id",
    "orders": "order_id",
    "order_items": "item_id",
    "payments": "transaction_id",
    "shipments": "shipment_id",
    "inventory": "warehouse_id",
    "clickstream": "event_id",
}
LATE = "2025-01-17T00:00:01Z"

# (feed, what differs from the good row, rejection reasons, warnings)
CASES = [
    ("customers", {"date_of_birth": "2025-01-16"}, ["date_of_birth_in_future"], []),
    ("customers", {"date_of_birth": "soon"}, ["date_of_birth_invalid"], []),
    ("customers", {"email": None}, [], ["email_missing"]),
    ("customers", {"email": "ada.example.com"}, [], ["email_malformed"]),
    ("customers", {"phone": "12345"}, [], ["phone_malformed"]),
    ("customers", {"phone": None}, [], []),
    ("customers", {"updated_at": LATE}, [], ["updated_at_in_future"]),
    ("customers", {"updated_at": "2025-01-17T00:00:00Z"}, [], []),
    ("customers", {"_op": "upsert!"}, [], ["_op_unknown"]),
    ("customers", {"_op": "Insert"}, [], []),
    ("customers", {"updated_at": "?"}, ["updated_at_invalid"], []),
    ("addresses", {"customer_id": "nobody"}, ["customer_unknown"], []),
    ("addresses", {"customer_id": ""}, ["customer_unknown"], []),
    ("addresses", {"city": "", "state": "", "postcode": ""}, [], [
        "city_empty", "state_empty", "postcode_empty",
    ]),
    ("products", {"price": "0"}, ["price_not_positive"], ["cost_above_price"]),
    ("products", {"price": ""}, ["price_missing"], []),
    ("products", {"price": "cheap"}, ["price_invalid"], []),
    ("products", {"product_name": " "}, ["product_name_missing"], []),
    ("products", {"launch_date": "2025-01-16"}, [], ["launch_date_in_future"]),
    ("products", {"cost_price": "10.01"}, [], ["cost_above_price"]),
    ("orders", {"order_status": "lost"}, ["order_status_unknown"], []),
    ("orders", {"order_status": ""}, ["order_status_missing"], []),
    ("orders", {"customer_id": "nobody"}, ["customer_unknown"], []),
    ("orders", {"customer_id": None}, ["customer_unknown"], []),
    ("orders", {"order_date": ""}, ["order_date_missing"], []),
    ("orders", {"order_date": "then", "order_status": "lost"}, [
        "order_date_invalid", "order_status_unknown",
    ], []),
    ("orders", {"total_amount": "-0.01"}, ["total_amount_negative"], ["total_amount_unusual"]),
    ("orders", {"total_amount": "much"}, ["total_amount_invalid"], []),
    ("orders", {"total_amount": ""}, [], []),
    ("orders", {"total_amount": "0.99"}, [], ["total_amount_unusual"]),
    ("orders", {"total_amount": "10000.01"}, [], ["total_amount_unusual"]),
    ("orders", {"total_amount": "10000"}, [], []),
    ("orders", {"order_date": "2024-05-31T23:59:59Z"}, [], ["order_before_registration"]),
    ("orders", {"order_date": LATE}, [], ["order_date_in_future"]),
    ("orders", {"customer_id": "nobody", "order_status": "lost", "total_amount": "-1"}, [
        "order_status_unknown", "customer_unknown", "total_amount_negative",
    ], ["total_amount_unusual"]),
    ("order_items", {"order_id": "none"}, ["order_unknown"], []),
    ("order_items", {"product_id": "none"}, ["product_unknown"], []),
    ("order_items", {"quantity": "0"}, ["quantity_not_positive"], []),
    ("order_items", {"quantity": ""}, ["quantity_missing"], []),
    ("order_items", {"quantity": "2.5"}, ["quantity_invalid"], []),
    ("order_items", {"unit_price": "-1"}, ["unit_price_not_positive"], ["price_mismatch"]),
    ("order_items", {"discount_percent": "100.01"}, ["discount_percent_out_of_range"], []),
    ("order_items", {"discount_percent": "100"}, [], []),
    ("order_items", {"unit_price": "10.02"}, [], ["price_mismatch"]),
    ("order_items", {"product_id": "P-inactive"}, [], ["product_inactive"]),
    ("order_items", {"quantity": "9223372036854775807", "unit_price": "9999999999999999.99"}, [
        "line_amount_too_large",
    ], ["price_mismatch"]),
    ("order_items", {
        "quantity": "1", "unit_price": "950000000000000", "discount_percent": "-999.99"
    }, [
        "discount_percent_out_of_range",
    ], ["price_mismatch"]),
    ("payments", {"order_id": "none"}, ["order_unknown"], []),
    ("payments", {"amount": "-1"}, ["amount_negative"], []),
    ("payments", {"amount": None}, ["amount_missing"], []),
    ("payments", {"currency": "QQQ"}, [], ["currency_unknown"]),
    ("payments", {"risk_score": "101"}, [], ["risk_score_out_of_range"]),
    ("payments", {"status": "perhaps"}, [], ["status_unknown"]),
    ("payments", {"is_international": "maybe"}, ["is_international_invalid"], []),
    ("payments", {"transaction_timestamp": LATE}, [], ["transaction_timestamp_in_future"]),
    ("shipments", {"order_id": "none"}, ["order_unknown"], []),
    ("shipments", {"shipping_cost": "-1"}, ["shipping_cost_negative"], []),
    ("shipments", {"package_weight_kg": "0"}, ["package_weight_kg_not_positive"], []),
    ("shipments", {"actual_delivery": "2025-01-14"}, [], ["delivered_before_order"]),
    ("shipments", {"shipping_cost": "100.01"}, [], ["shipping_cost_unusual"]),
    ("inventory", {"product_id": "none"}, ["product_unknown"], []),
    ("inventory", {"product_id": ""}, ["product_unknown"], []),
    ("inventory", {"quantity_on_hand": "-4"}, [], ["quantity_on_hand_negative"]),
    ("inventory", {"snapshot_date": "?"}, ["snapshot_date_invalid"], []),
    ("clickstream", {"event_type": "teleport"}, [], ["event_type_unknown"]),
    ("clickstream", {"session_id": ""}, ["session_id_missing"], []),
    ("clickstream", {"event_timestamp": LATE}, [], ["event_timestamp_in_future"]),
]  # fmt: skip
# A deletion needs nothing but its key.
DELETIONS = [
    ("orders", {"order_id": "O-deleted", "_op": "D", "total_amount": "??"}, []),
    ("orders", {"order_id": "", "_op": "delete"}, ["order_id_missing"]),
    ("inventory", {"product_id": "", "warehouse_id": "W-del", "snapshot_date": "2025-01-15",
                   "_op": "d"}, ["product_id_missing"]),
]  # fmt: skip


def case_rows() -> dict[str, list[dict]]:
    """feed → its rows: the good one, then one per case under a key of its own."""
    rows = {feed: [dict(good)] for feed, good in GOOD.items()}
    rows["products"].append(GOOD["products"] | {"product_id": "P-inactive", "is_active": "no"})
    for number, (feed, change, _, _) in enumerate(CASES):
        rows[feed].append(GOOD[feed] | {KEYS[feed]: f"case {number}"} | change)
    for feed, row, _ in DELETIONS:
        rows[feed].append(dict(row))
    return rows


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    warehouse = Warehouse.at(tmp_path_factory.mktemp("expectations"))
    for feed, rows in case_rows().items():
        json_feed = feed in ("customers", "products", "payments", "clickstream")
        warehouse.drop_rows(f"{feed}_{BATCH}.{'ndjson' if json_feed else 'csv'}", rows)
    report = warehouse.load()
    assert {outcome.status for outcome in report.files} == {"loaded"}
    result = warehouse.build("--select", "+silver", "+expectation_results")
    assert_passed(result)
    return warehouse


@pytest.fixture(scope="module")
def judged(warehouse):
    """(feed, row number) → (rejection reasons, warnings, whether it stands in quarantine)."""
    found = {}
    for feed in GOOD:
        for row_number, reasons, warnings, held in warehouse.ask(
            f"""
            select staged._row_number, staged.rejection_reasons, staged.warnings,
                   held.rejection_reasons
            from silver.stg_{feed} as staged
            left join silver.quarantine as held
                on held.file_id = staged._file_id and held.row_number = staged._row_number
            """
        ):
            found[feed, row_number] = (reasons, warnings, held)
    return found


def positions() -> list[tuple[str, int, list[str], list[str]]]:
    rows = case_rows()
    expected = []
    seen: dict[str, int] = {}
    for feed, change, reasons, warnings in CASES:
        first = 3 if feed == "products" else 2
        seen[feed] = seen.get(feed, first - 1) + 1
        row_number = seen[feed]
        assert rows[feed][row_number - 1].items() >= change.items()
        expected.append((feed, row_number, reasons, warnings))
    return expected


@pytest.mark.parametrize(
    ("feed", "row_number", "reasons", "warnings"),
    positions(),
    ids=[f"{feed}-{change}" for feed, change, _, _ in CASES],
)
def test_has_its_reasons(judged, feed, row_number, reasons, warnings):
    assert judged[feed, row_number] == (reasons, warnings, reasons or None)


@pytest.mark.parametrize("feed", GOOD)
def test_a_good_row_has_none(judged, feed):
    assert judged[feed, 1] == ([], [], None)


def test_a_deletion_needs_nothing_but_its_key(judged):
    by_feed: dict[str, int] = {feed: len(rows) for feed, rows in case_rows().items()}
    for feed, _, reasons in reversed(DELETIONS):
        assert judged[feed, by_feed[feed]] == (reasons, [], reasons or None)
        by_feed[feed] -= 1


def test_counts_agree_with_the_rows(warehouse):
    counted = dict(
        warehouse.ask(
            "select feed || '.' || expectation, rows_failed from audit.expectation_results"
            " where rows_failed > 0"
        )
    )
    reasons = dict(
        warehouse.ask(
            " union all ".join(
                f"select '{feed}.' || reason, count(*) from (select"
                f" unnest(rejection_reasons || warnings) as reason from silver.stg_{feed})"
                " group by all"
                for feed in GOOD
            )
        )
    )
    assert counted == reasons


def test_a_build_tests_the_counts_that_it_appended_and_the_night_all(warehouse, tmp_path):
    shutil.copytree(warehouse.settings.data_dir, tmp_path / "data")
    copy = Warehouse.at(tmp_path / "data")
    copy.ask("insert into audit.expectation_results from audit.expectation_results")
    assert_passed(copy.dbt("build", "--select", "expectation_results"))
    assert not copy.dbt("test", "--select", "expectation_results").success


def test_quarantine_holds_the_amount_and_no_personal_data(warehouse):
    rows = warehouse.ask("select feed, business_key, amount_held, original from silver.quarantine")
    by_reason = {(feed, key): amount for feed, key, amount, _ in rows}
    held = next(
        number
        for number, case in enumerate(CASES)
        if case[0] == "orders" and case[2] == ["order_status_unknown"]
    )
    assert float(by_reason["orders", f"case {held}"]) == 20.0
    for secret in ("Ada", "Example.com", "7946", "1990-05", "High Street", "192.0.2.7", "f00d"):
        assert not [row for row in rows if secret in row[3]]


def test_files_of_a_feed_that_is_none_any_more_are_not_missed(warehouse, tmp_path):
    shutil.copytree(warehouse.settings.data_dir, tmp_path / "data")
    copy = Warehouse.at(tmp_path / "data")
    copy.ask(
        "insert into bronze.files by name select * replace (file_id + 1000 as file_id, 'refunds' as"
        " feed, 'refunds_' || sha256 as sha256) from bronze.files where feed = 'orders'"
    )
    conservation = (
        "every_record_is_in_bronze_or_rejected",
        "every_row_that_counts_is_accepted_or_quarantined",
    )
    result = copy.dbt("test", "--select", *conservation)
    assert_passed(result)
    ran = {row.node.name for row in result.result}
    assert ran >= {*conservation}
