"""The table of types in the landing contract: what reads as what, and what does not."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from warehouse import Warehouse, assert_passed

INVALID = object()

# (column of products, text as delivered, value in staging or INVALID)
READINGS = [
    ("brand", "  Zoë ", "Zoë"),
    ("brand", "\u00a0Lamps & Co\u3000", "Lamps & Co"),
    ("brand", "\u00a0 ", None),
    ("review_count", "12", 12),
    ("review_count", " 12 ", 12),
    ("review_count", "+7", 7),
    ("review_count", "-3", -3),
    ("review_count", "2.0", 2),
    ("review_count", "2.", 2),
    ("review_count", ".0", INVALID),
    ("review_count", "2.5", INVALID),
    ("review_count", "0x10", INVALID),
    ("review_count", "1_000", INVALID),
    ("review_count", "1,000", INVALID),
    ("review_count", "1e3", INVALID),
    ("review_count", "99999999999999999999", INVALID),
    ("review_count", "twelve", INVALID),
    ("review_count", "", None),
    ("review_count", "NULL", None),
    ("cost_price", "10", Decimal("10.00")),
    ("cost_price", "4884.50", Decimal("4884.50")),
    ("cost_price", "1.005", Decimal("1.01")),
    ("cost_price", "-1.005", Decimal("-1.01")),
    ("cost_price", "1.004999", Decimal("1.00")),
    ("cost_price", ".5", Decimal("0.50")),
    ("cost_price", "+5", Decimal("5.00")),
    ("cost_price", "1.5e2", Decimal("150.00")),
    ("cost_price", "1234567890123456.78", Decimal("1234567890123456.78")),
    ("cost_price", "12345678901234567.00", INVALID),
    ("cost_price", "1,5", INVALID),
    ("cost_price", "1,000.00", INVALID),
    ("cost_price", "$5", INVALID),
    ("cost_price", "5 EUR", INVALID),
    ("cost_price", "nan", INVALID),
    ("cost_price", "inf", INVALID),
    ("cost_price", "1e400", INVALID),
    ("rating", "99.994", Decimal("99.99")),
    ("rating", "100", INVALID),
    ("rating", "1.2345e1", Decimal("12.35")),
    ("rating", "-12345E-3", Decimal("-12.35")),
    ("rating", "4567e-3", Decimal("4.57")),
    ("rating", "1.843e2", INVALID),
    ("rating", ".000045E8", INVALID),
    ("cost_price", "1e-05", Decimal("0.00")),
    ("cost_price", "1234567890123456785e-3", Decimal("1234567890123456.79")),
    ("cost_price", "5.9995e16", INVALID),
    ("cost_price", "0." + "0" * 30 + "452e31", Decimal("4.52")),
    ("cost_price", "0." + "0" * 36 + "452e37", INVALID),
    ("cost_price", "1." + "0" * 60, Decimal("1.00")),
    ("is_active", "true", True),
    ("is_active", "T", True),
    ("is_active", "Yes", True),
    ("is_active", "y", True),
    ("is_active", "1", True),
    ("is_active", "FALSE", False),
    ("is_active", "f", False),
    ("is_active", "No", False),
    ("is_active", "N", False),
    ("is_active", "0", False),
    ("is_active", "on", INVALID),
    ("is_active", "2", INVALID),
    ("launch_date", "2025-01-15", date(2025, 1, 15)),
    ("launch_date", "2025-01-15T23:30:00-02:00", date(2025, 1, 16)),
    ("launch_date", "2025-02-30", INVALID),
    ("launch_date", "0000-01-15", INVALID),
    ("launch_date", "15.01.2025", INVALID),
    ("launch_date", "2025-1-5", INVALID),
    ("launch_date", "20250115", INVALID),
    ("created_at", "2025-01-15T08:30:15Z", datetime(2025, 1, 15, 8, 30, 15)),
    ("created_at", "2025-01-15T08:30:15+02:00", datetime(2025, 1, 15, 6, 30, 15)),
    ("created_at", "2025-01-15 08:30:15-0530", datetime(2025, 1, 15, 14, 0, 15)),
    ("created_at", "2025-01-15 08:30:15", datetime(2025, 1, 15, 8, 30, 15)),
    ("created_at", "2013-07-25 00:00:00.0", datetime(2013, 7, 25)),
    ("created_at", "2025-01-15T08:30:15.123456Z", datetime(2025, 1, 15, 8, 30, 15, 123456)),
    ("created_at", "2025-01-15", datetime(2025, 1, 15)),
    ("created_at", "2025-01-15T25:00:00Z", INVALID),
    ("created_at", "yesterday", INVALID),
    ("created_at", "epoch", INVALID),
    ("created_at", "1736930000", INVALID),
    ("attributes", '{"a": [1, 2]}', '{"a":[1,2]}'),
    ("attributes", "[1]", "[1]"),
    ("attributes", "{a}", INVALID),
    ("attributes", '{"a": [1, ",]", "x,NaN\\""]}', '{"a":[1,",]","x,NaN\\""]}'),
    ("attributes", '{"a":1,}', INVALID),
    ("attributes", "[1 , ]", INVALID),
    ("attributes", '{"a":NaN}', INVALID),
    ("attributes", "nan", INVALID),
    ("attributes", "[-Infinity]", INVALID),
]


@pytest.fixture(scope="module")
def products(tmp_path_factory):
    """product_id → row of stg_products, one product per reading."""
    warehouse = Warehouse.at(tmp_path_factory.mktemp("types"))
    columns = sorted({column for column, _, _ in READINGS})
    warehouse.drop_rows(
        "products_2025_01_15.csv",
        [
            {"product_id": str(number), "product_name": "x", "price": "10"}
            | dict.fromkeys(columns, "")
            | {column: text}
            for number, (column, text, _) in enumerate(READINGS)
        ],
    )
    warehouse.load()
    assert_passed(warehouse.build("--select", "+stg_products"))
    names = ["product_id", "rejection_reasons", *columns]
    rows = warehouse.ask(f"select {', '.join(names)} from silver.stg_products")
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows}


@pytest.mark.parametrize(
    "number", range(len(READINGS)), ids=[f"{column}={text}" for column, text, _ in READINGS]
)
def test_reads_as_its_type(products, number):
    column, _, expected = READINGS[number]
    row = products[str(number)]
    if expected is INVALID:
        assert row["rejection_reasons"] == [f"{column}_invalid"]
        assert row[column] is None
    else:
        assert row[column] == expected
        assert row["rejection_reasons"] == []
