"""A made-up person and everything that is ever delivered of her, for tests of erasing her.

Belongs here: files in many forms, and what gives her away in bytes. Does not: assertions.
"""

import csv
import gzip
import io
import json

ADA = {
    "customer_id": "C-0815",
    "first_name": "Adalwyna",
    "last_name": "Quackenbüsh",
    "email": "Adalwyna.Q@zephyr-mail.example",
    "phone": "+49 1577 0815471",
    "date_of_birth": "1971-03-04",
    "nickname": "wynadala",
    "preferences": {"categories": ["toys"], "communication": ["email"]},
    "updated_at": "2025-01-10T10:00:00Z",
}
STREET, OLD_STREET = "77 Nowherefield Lane", '5, Gasthaus "Zur Krähe"'
ADDRESS, DEVICE = "203.0.113.77", "fp-77aa77bb77cc"
BOB = ADA | {
    "customer_id": "C-08",
    "last_name": "Smith",
    "email": "bob@zephyr-mail.example",
    "nickname": "smithy",
    "phone": "+49 1577 1111111",
}
TRACES = [
    b"adalwyna.q",
    "quackenbüsh".encode(),
    "quackenbüsh".encode("latin-1"),
    b"quackenb\\u00fcsh",
    b"1577 0815471",
    b"15770815471",
    b"nowherefield",
    b"zur kr",
    b"wynadala",
    ADDRESS.encode(),
    DEVICE.encode(),
]


def as_csv(rows: list[dict]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_ndjson(*rows: dict) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def order(key: str, customer: str, day: str = "2025-01-12") -> dict:
    return {
        "order_id": key,
        "customer_id": customer,
        "order_date": f"{day}T10:00:00Z",
        "order_status": "completed",
        "total_amount": "30.00",
        "channel": "web",
        "updated_at": f"{day}T10:00:00Z",
    }


def payment(key: str, order_id: str) -> dict:
    return {
        "transaction_id": key,
        "order_id": order_id,
        "amount": 30.00,
        "status": "SUCCESS",
        "currency": "EUR",
        "transaction_timestamp": "2025-01-12T10:05:00Z",
        "ip_address": ADDRESS if order_id == "O-1" else "198.51.100.1",
        "device_fingerprint": DEVICE if order_id == "O-1" else "fp-bob-bob-bob",
    }


def event(key: str, **more: str) -> dict:
    return {
        "event_id": key,
        "session_id": "S-1",
        "event_type": "page_view",
        "event_timestamp": f"2025-01-12T09:0{key[-1]}:00Z",
        "page_url": "/home",
        **more,
    }


def address(street: str, day: int, customer: str = ADA["customer_id"]) -> dict:
    return {
        "address_id": "A-" + customer,
        "customer_id": customer,
        "address_line_1": street,
        "city": "Ulm",
        "postcode": "01234",
        "updated_at": f"2025-01-{day}",
    }


FIRST_DAY = {
    "customers_2025_01_12.json": "\ufeff" + json.dumps([BOB, ADA], indent=1, ensure_ascii=False),
    "addresses_2025_01_12.csv.gz": gzip.compress(
        as_csv([address(OLD_STREET, 10), address("1 Main St", 10, "C-08")]).encode("utf-16")
    ),
    "products_2025_01_12.ndjson": as_ndjson(
        {"product_id": "P-1", "product_name": "Duck", "price": "10", "updated_at": "2025-01-01"}
    ),
    "orders_2025_01_12.csv": as_csv(
        [order("O-1", "C-0815") | {"gift_to": ADA["email"]}, order("O-2", "C-08") | {"gift_to": ""}]
    ),
    "order_items_2025_01_12.csv": as_csv(
        [
            {
                "item_id": f"I-{n}",
                "order_id": f"O-{n}",
                "product_id": "P-1",
                "quantity": 3,
                "unit_price": "10",
                "updated_at": "2025-01-12",
            }
            for n in (1, 2)
        ]
    ),
    "payments_2025_01_12.json": json.dumps([payment("T-1", "O-1"), payment("T-2", "O-2")]),
    "clickstream_2025_01_12.ndjson": as_ndjson(
        event("E-1", ip_address=ADDRESS, page_url="/?mail=adalwyna.q%40zephyr-mail.example"),
        event("E-2", customer_id="C-0815"),
        event("E-3", session_id="S-2", search_query=f"write to {ADA['email'].lower()} please"),
        event("E-5", session_id="S-3", search_query=f"who lives in {OLD_STREET}", page_url="/find"),
        event("E-4", session_id="S-2", ip_address="198.51.100.1"),
    ),
}
SECOND_DAY = {
    # Changed data, a line that is refused, a held row; a duplicate; a correction of the first day.
    "customers_2025_01_13.ndjson": as_ndjson(
        ADA | {"phone": "+49-15770815471", "updated_at": "2025-01-13T10:00:00Z"},
        ADA | {"date_of_birth": "2031-01-01", "updated_at": "2025-01-13T11:00:00Z"},
    )
    + f'{{"customer_id": "C-0815", "email": "{ADA["email"]}"\n',
    "customers_2025_01_13_again.json": FIRST_DAY["customers_2025_01_12.json"],
    "addresses_2025_01_12.csv.gz": gzip.compress(as_csv([address(STREET, 10)]).encode()),
    "addresses_2025_01_13.csv": as_csv([address("1 Main St", 10, "C-08")] * 2)
    + f'A-9,C-0815,{STREET},one,field,too,many,here\n"unclosed {STREET}\n',
    "addresses_2025_01_13_b.csv": f"address_id,street\nA-7,{STREET}\nA-8,1 Main St\n",
    "trigger_2025_01_14.json": json.dumps(
        {"expected_files": ["customers_2025_01_14.json", "orders_2025_01_14.csv"]}
    ),
    "customers_2025_01_14.json": json.dumps([ADA, BOB]),
    "orders_2025_01_12_b.csv": as_csv([order("O-3", "C-0815", "2025-01-13")]),
}
