"""Lookups with validity windows: a value is known on the days of its windows, and once."""

import pytest
from warehouse import Warehouse, assert_passed

# event_id → (event_type, instant as delivered, rejection reasons, warnings)
EVENTS = {
    "in the first window": ("flash_sale", "2025-01-10T23:59:59Z", [], []),
    "between the windows": ("flash_sale", "2025-01-20T12:00:00Z", [], ["event_type_unknown"]),
    "in the second window": (" Flash_Sale ", "2025-02-01T00:00:00Z", [], []),
    "on no readable day": ("flash_sale", "soon", ["event_timestamp_invalid"], []),
    "in no window ever": ("cold_sale", "soon", ["event_timestamp_invalid"], ["event_type_unknown"]),
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """event_id → [(rejection reasons, warnings)] of its rows, with two windows of flash_sale."""
    warehouse = Warehouse.with_own_project(tmp_path_factory.mktemp("lookups"))
    lookup = warehouse.settings.project_dir / "seeds" / "event_types.csv"
    with lookup.open("a", encoding="utf-8") as file:
        file.write("flash_sale,visit,1,,2025-01-10\nFLASH_SALE ,visit,1,2025-02-01,\n")
    warehouse.drop_rows(
        "clickstream_2025_02_10.ndjson",
        [
            {"event_id": event, "session_id": "S", "event_type": kind, "event_timestamp": instant}
            for event, (kind, instant, _, _) in EVENTS.items()
        ],
    )
    warehouse.load()
    assert_passed(warehouse.build("--select", "+stg_clickstream"))
    rows: dict[str, list] = {event: [] for event in EVENTS}
    for event, *judgement in warehouse.ask(
        "select event_id, rejection_reasons, warnings from silver.stg_clickstream"
    ):
        rows[event].append(tuple(judgement))
    return rows


@pytest.mark.parametrize("event", EVENTS)
def test_is_known_in_its_windows_and_stays_one_row(judged, event):
    _, _, reasons, warnings = EVENTS[event]
    assert judged[event] == [(reasons, warnings)]
