"""The dashboard as a Dash application.

Belongs here: the shell around the pages, and what happens when somebody uses it. Does not: the
pages (`pages/`), the filters and what they mean (`filters.py`), starting a server (`serve.py`).

One callback makes a page from the newest published version; another looks once a minute whether
there is a newer one. Everything is served from here: no other host is asked for anything.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb
import flask
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard import filters, wording
from dashboard.charts import THEMES
from dashboard.pages import Page, View, customers, operations, pipeline, sales
from dashboard.parts import empty, panel
from dashboard.published import Reader, newest
from orchestration.contracts import load_contracts
from orchestration.freshness import LateFeed, late_feeds
from orchestration.loader.landing import read_notes
from orchestration.publish import current_file
from orchestration.settings import Settings
from orchestration.warehouse import is_damage

PAGES = (
    Page("Sales", "/", sales.content),
    Page("Customers", "/customers", customers.content),
    Page("Operations", "/operations", operations.content),
    Page("Pipeline", "/pipeline", pipeline.content),
)
_BY_PATH = {page.path: page for page in PAGES}
_SECONDS_BETWEEN_LOOKS = 60
_NOTHING_PUBLISHED = "Nothing was published yet. Load what lies in landing and build with: make run"
_NO_DATA = (
    "What is published has no data: no file was loaded. Put files into landing, then: make run"
)
_DAMAGED = (
    "The published file is damaged. What helps: docs/runbook.md, The published file is damaged."
)
_OLDER_BUILD = "The published version is of an older build. Build anew with: make run"
# What draws the charts is 5 MB: the browser fetches and reads it while the rest is set up, which
# saves a fifth of the time to the first view.
_INDEX = """<!doctype html>
<html lang="en">
<head>{%metas%}<title>{%title%}</title>{%favicon%}{%css%}<script async fetchpriority="low"
src="/_dash-component-suites/plotly/package_data/plotly.min.js"></script></head>
<body>{%app_entry%}{%config%}{%scripts%}{%renderer%}</body>
</html>"""


def create_app(settings: Settings) -> Dash:
    """The application over what is published in a `DATA_DIR`, now and later."""
    app = Dash(
        __name__,
        title="Orderhouse",
        update_title=None,
        index_string=_INDEX,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    app.layout = lambda: _shell(settings)
    _register(app, settings)
    return app


def _register(app: Dash, settings: Settings) -> None:
    contracts = load_contracts(settings.contracts_file)

    def late() -> dict[str, LateFeed]:
        return late_feeds(settings, contracts, datetime.now(UTC)) or {}

    @app.callback(
        Output("page", "children"),
        Output("links", "children"),
        Output("filters", "className"),
        Output("from", "value"),
        Output("to", "value"),
        Input("url", "pathname"),
        Input("url", "search"),
        Input("theme", "data"),
        Input("version", "data"),
    )
    def show(
        path: str, search: str, theme: str | None, _version: int | None
    ) -> tuple[Sequence[Component], list[Component], str, Any, Any]:
        page = _BY_PATH.get(path.rstrip("/") or "/")
        links = _links(page, search)
        style = f"filters for-{page.name.lower() if page else 'none'}"
        try:
            with newest(current_file(settings)) as reader:
                if reader is None:
                    is_there = current_file(settings).exists()
                    sentence = _DAMAGED if is_there else _NOTHING_PUBLISHED
                    return [_notice(sentence)], links, style, None, None
                if reader.state.as_of_date is None:
                    return [_notice(_NO_DATA)], links, style, None, None
                if page is None:
                    return [_notice("There is no such page.")], links, style, no_update, no_update
                chosen = filters.read(search, reader)
                asked_for = theme or flask.request.cookies.get("theme", "")
                colors = THEMES.get(asked_for, THEMES["light"])
                landing = read_notes(settings).files
                view = View(reader, chosen.selection, chosen.split, colors, landing, late)
                days = chosen.selection.from_date, chosen.selection.to_date
                return page.content(view), links, style, *days
        except duckdb.Error as error:
            return [_notice(_why_unreadable(error))], links, style, no_update, no_update

    @app.callback(
        Output("version", "data"),
        Output("stamp", "children"),
        Output("channel", "children"),
        Output("category", "children"),
        Output("filters", "data-usual-period"),
        Input("clock", "n_intervals"),
        State("version", "data"),
        prevent_initial_call=True,
    )
    def look_for_newer(_looks: int, shown: int | None) -> tuple[Any, ...]:
        try:
            with newest(current_file(settings)) as reader:
                if reader is None or reader.state.version == shown:
                    return (no_update,) * 5
                choices = filters.choices(reader)
                offered = choices["channel"], choices["category"], filters.usual_period(reader)
                return reader.state.version, _stamp(reader), *offered
        except duckdb.Error as error:
            _why_unreadable(error)  # What is shown stays; whoever opens a page is told.
            return (no_update,) * 5

    app.clientside_callback(
        "window.orderhouse.toggleTheme",
        Output("theme", "data"),
        Input("toggle-theme", "n_clicks"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        "window.orderhouse.fillFilters",
        Input("url", "search"),
        Input("version", "data"),
    )


def _why_unreadable(error: duckdb.Error) -> str:
    """What to say of a version that opens but cannot be read; raises what is no fault of it."""
    if is_damage(str(error)):
        return _DAMAGED
    if isinstance(error, duckdb.CatalogException | duckdb.BinderException):
        return f"{_OLDER_BUILD} ({str(error).splitlines()[0]})"
    raise error


def _shell(settings: Settings) -> Component:
    """What stands around every page, filled for the version that is published now."""
    try:
        with newest(current_file(settings)) as reader:
            return _around_pages(reader)
    except duckdb.Error as error:
        _why_unreadable(error)  # The page in it says so.
        return _around_pages(None)


def _around_pages(reader: Reader | None) -> Component:
    return html.Div(
        [
            dcc.Location(id="url", refresh=False),
            dcc.Store(id="theme"),
            dcc.Store(id="version", data=reader.state.version if reader else None),
            dcc.Interval(id="clock", interval=_SECONDS_BETWEEN_LOOKS * 1000),
            html.Header(
                [
                    html.A("To the figures", href="#page", className="skip"),
                    html.H1("Orderhouse"),
                    html.Nav(_links(None, ""), id="links", **{"aria-label": "Pages"}),
                    html.P(_stamp(reader), id="stamp"),
                    html.Button("Light / dark", id="toggle-theme", type="button"),
                ],
                className="top",
            ),
            html.Main(
                [
                    filters.form(reader),
                    dcc.Loading(
                        html.Div(id="page", className="page"),
                        delay_show=400,
                        overlay_style={"visibility": "visible", "opacity": 0.5},
                        type="default",
                    ),
                ]
            ),
        ]
    )


def _links(current: Page | None, search: str) -> list[Component]:
    """The navigation; what was chosen goes along."""
    return [
        dcc.Link(
            page.name,
            href=f"{page.path}{search or ''}",
            className="current" if page is current else "",
        )
        for page in PAGES
    ]


def _notice(sentence: str) -> Component:
    return panel("Nothing to see yet", empty(sentence), wide=True)


def _stamp(reader: Reader | None) -> str:
    if reader is None:
        return "No version to show"
    return f"As of {wording.day(reader.state.as_of_date)}, version {reader.state.version}"
