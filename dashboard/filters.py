"""The filters: a plain HTML form whose state is the address of the page.

Belongs here: the form, what an address means. Does not: applying it (the queries).

Plain elements because they are accessible and a phone knows them; Dash's own fail axe with serious
findings. `assets/dashboard.js` writes what was chosen into the address, and back.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import parse_qs

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.published import Reader, Selection

_PERIODS = {
    "7": "Last 7 days",
    "30": "Last 30 days",
    "90": "Last 90 days",
    "365": "Last year",
    "all": "All days",
}
_SHORT, _LONG = "7", "30"
_YEARS = range(1900, 2200)
_SPLITS = {"channel": "Channel", "category": "Category"}


@dataclass(frozen=True)
class Chosen:
    """What an address says: the selection, and what bars are split by."""

    selection: Selection
    split: str


def read(search: str | None, reader: Reader) -> Chosen:
    """What the query part of an address means for a version; what does not read is left out.

    `from` and `to` (ISO days) count before `period`; both ends are included.
    """
    given = parse_qs((search or "").removeprefix("?"))
    period = given.get("period", [""])[0]
    from_date, to_date = _days(reader, period if period in _PERIODS else usual_period(reader))
    first, last = _day(given.get("from")), _day(given.get("to"))
    # One end alone: the other is the usual one, as far as that lies on its side.
    from_date = first or min(from_date, last or from_date)
    to_date = last or max(to_date, first or to_date)
    split = given.get("split", [""])[0]
    return Chosen(
        Selection(
            min(from_date, to_date),
            max(from_date, to_date),
            tuple(given.get("channel", ())),
            tuple(given.get("category", ())),
        ),
        split if split in _SPLITS else "channel",
    )


def form(reader: Reader | None) -> Component:
    """The form, with the choices that a version has."""
    offered = choices(reader) if reader else {"channel": [], "category": []}
    periods = {"": "Chosen days", **_PERIODS}
    return html.Form(
        [
            _field("Period", "period", html.Select(_options(periods), id="period", name="period")),
            _field("From", "from", dcc.Input(type="date", id="from", name="from")),
            _field("To", "to", dcc.Input(type="date", id="to", name="to")),
            _field(
                "Channel", "channel", html.Select(offered["channel"], id="channel", name="channel")
            ),
            _field(
                "Category",
                "category",
                html.Select(offered["category"], id="category", name="category"),
            ),
            _field("Bars by", "split", html.Select(_options(_SPLITS), id="split", name="split")),
        ],
        id="filters",
        className="filters",
        **{"data-usual-period": usual_period(reader)},
    )


def choices(reader: Reader) -> dict[str, list[Component]]:
    """Options for channels and categories of a version."""
    rows = reader.rows("choices")
    return {
        name: _options(
            {"": "All", **{row["choice"]: row["choice"] for row in rows if row["filter"] == name}}
        )
        for name in ("channel", "category")
    }


def usual_period(reader: Reader | None) -> str:
    """A month where the history has another one before it to compare with, else a week."""
    state = reader.state if reader else None
    if state is None or state.as_of_date is None or state.covered_from is None:
        return _LONG
    days = (state.as_of_date - state.covered_from).days + 1
    return _LONG if days >= 2 * int(_LONG) else _SHORT


def _field(label: str, name: str, control: Component) -> Component:
    return html.Div([html.Label(label, htmlFor=name), control], className=f"field by-{name}")


def _options(values: dict[str, str]) -> list[Component]:
    return [html.Option(words, value=value) for value, words in values.items()]


def _days(reader: Reader, period: str) -> tuple[date, date]:
    """First and last day of a period that ends with the business clock."""
    to_date = reader.state.as_of_date
    if period == "all":
        return min(reader.state.first_day or to_date, to_date), to_date
    return to_date - timedelta(days=int(period) - 1), to_date


def _day(given: list[str] | None) -> date | None:
    try:
        day = date.fromisoformat(given[0]) if given else None
    except ValueError:
        return None
    # Other years are mistyped.
    return day if day and day.year in _YEARS else None
