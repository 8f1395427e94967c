"""The dashboard in a real Chromium: every figure on it is what gold says."""

import json
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import Built
from damage import spoil_column
from dashboard_charts import charts
from dashboard_figures import PAGES, Choice
from dashboard_page import says, shown_charts, shown_figures
from playwright.sync_api import Browser, Page
from programs import go_without

from dashboard.browser import chromium, find_chromium, visit
from dashboard.charts import THEMES
from dashboard.serve import running
from orchestration.contracts import load_contracts
from orchestration.forecast.step import forecast_sales
from orchestration.freshness import FEEDS_FILE
from orchestration.publish import current_file
from orchestration.run import run
from orchestration.settings import ConfigurationError, Settings
from orchestration.up import free_port

RETAIL_DB = Path("/work/shared/data/retail_db/landing")
FIRST_VIEW_SECONDS = 3


@dataclass
class Dashboard:
    """A running dashboard, the file it reads, and a page whose errors and requests are kept."""

    address: str
    file: Path
    page: Page
    errors: list[str]
    hosts: set[str]

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.file, read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def visit(self, path: str) -> Page:
        visit(self.page, self.address + path)
        return self.page

    def figure(self, name: str) -> str:
        return shown_figures(self.page)[name][0][0]

    def wait_for(self, name: str, text: str) -> None:
        """Wait until a figure says a text."""
        self.page.wait_for_function(
            "([name, text]) => document.querySelector(`[data-figure=${name}]`)?.innerText === text",
            arg=[name, text],
        )


Opened = Callable[[Settings], Dashboard]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    try:
        find_chromium()
    except ConfigurationError:
        go_without("Chromium")
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def opened(browser: Browser) -> Iterator[Opened]:
    """Opens a dashboard over a DATA_DIR; the same one each time it is asked for the same folder."""
    with ExitStack() as stack:
        known: dict[Path, Dashboard] = {}

        def open_one(settings: Settings) -> Dashboard:
            if settings.data_dir not in known:
                address = stack.enter_context(running(settings))
                page = browser.new_page(viewport={"width": 1280, "height": 800})
                one = Dashboard(address, current_file(settings), page, [], set())
                page.on("console", lambda message: _keep_error(one, message.type, message.text))
                page.on("pageerror", lambda error: one.errors.append(str(error)))
                page.on("request", lambda request: one.hosts.add(request.url.split("/")[2]))
                known[settings.data_dir] = one
            return known[settings.data_dir]

        yield open_one


def _keep_error(one: Dashboard, kind: str, text: str) -> None:
    if kind == "error":
        one.errors.append(text)


@pytest.fixture(scope="module")
def demo(built: Built, opened: Opened) -> Dashboard:
    return opened(built.settings)


@pytest.fixture(scope="module")
def retail(scratch: Path, opened: Opened) -> Dashboard:
    settings = Settings(data_dir=scratch / "retail", settle_seconds=0)
    shutil.copytree(RETAIL_DB, settings.landing, copy_function=shutil.copyfile)
    outcome = run(settings, report=lambda line: None)
    assert outcome.status == "published", outcome.error
    forecast_sales(settings)
    return opened(settings)


JANUARY = (date(2025, 1, 13), date(2025, 1, 15))
DEMO_CHOICES = [
    Choice(*JANUARY),
    Choice(*JANUARY, channel="web", category="Home"),
    Choice(date(2025, 1, 15), date(2025, 1, 15), channel="mobile", split="category"),
    Choice(date(2020, 1, 1), date(2020, 1, 31)),
]
RETAIL_CHOICES = [
    Choice(date(2014, 5, 1), date(2014, 5, 31), split="category"),
    Choice(date(2013, 7, 25), date(2014, 7, 31), category="Fan Shop"),
]
CASES = [("demo", choice) for choice in DEMO_CHOICES]
# The training database lies where this project is worked on, not everywhere.
CASES += [("retail", choice) for choice in RETAIL_CHOICES if RETAIL_DB.exists()]


@pytest.mark.parametrize(("source", "choice"), CASES)
def test_every_figure_is_what_gold_says(
    request: pytest.FixtureRequest, source: str, choice: Choice
) -> None:
    dashboard: Dashboard = request.getfixturevalue(source)
    for path, expected_of in PAGES.items():
        page = dashboard.visit(path + choice.search)
        expected = expected_of(choice, dashboard.ask)
        if path == "/pipeline" and (left := _left_in_landing(dashboard)):
            expected["landing"] = left
        shown = shown_figures(page)
        assert shown.keys() == expected.keys(), path
        for name, rows in expected.items():
            assert len(shown[name]) == len(rows), name
            for texts, values in zip(shown[name], rows, strict=True):
                assert len(texts) == len(values), (name, texts, values)
                wrong = [
                    (text, value)
                    for text, value in zip(texts, values, strict=True)
                    if not says(text, value)
                ]
                assert not wrong, (name, texts, values)
        assert _without_zeros(shown_charts(page)) == pytest.approx(
            _without_zeros(charts(path, choice, dashboard.ask)), abs=1e-6
        )
    assert dashboard.errors == []
    assert dashboard.hosts == {dashboard.address.removeprefix("http://")}


def _left_in_landing(dashboard: Dashboard) -> list[tuple[Any, ...]]:
    notes = dashboard.file.parents[1] / "warehouse" / "landing.json"
    files = json.loads(notes.read_text(encoding="utf-8"))["files"]
    return [(name, note["status"], note["reason"]) for name, note in sorted(files.items())]


def _without_zeros(all_charts: dict[str, Any]) -> dict[tuple[str, str, str], float]:
    return {
        (chart, series, day): value
        for chart, of_chart in all_charts.items()
        for series, of_series in of_chart.items()
        for day, value in of_series.items()
        if value
    }


def test_a_first_look_shows_the_newest_days(demo: Dashboard) -> None:
    page = demo.visit("/")
    assert page.locator("#from").input_value() == "2025-01-09"
    assert page.locator("#to").input_value() == "2025-01-15"
    ((revenue,),) = demo.ask(
        "select sum(net_amount) from gold.agg_daily_sales"
        " where date_day between '2025-01-09' and '2025-01-15'"
    )
    assert says(demo.figure("net_amount"), revenue)


def test_filters_are_chosen_kept_and_undone(demo: Dashboard) -> None:
    def orders(condition: str) -> str:
        ((count,),) = demo.ask(f"select count(*) from gold.fact_orders where {condition}")
        return f"{count:,}"

    newest_days = "ordered_at::date between '2025-01-09' and '2025-01-15'"
    page = demo.visit("/")
    demo.wait_for("orders", orders(newest_days))
    page.locator("#channel").select_option("web")
    demo.wait_for("orders", orders(f"channel = 'web' and {newest_days}"))

    page.locator("#period").select_option("all")
    demo.wait_for("orders", orders("channel = 'web' and ordered_at < '2025-01-16'"))
    page.wait_for_function("document.getElementById('from').value < '2025-01-09'")

    page.locator("#from").fill("2025-01-15")
    demo.wait_for("orders", orders("channel = 'web' and ordered_at::date = '2025-01-15'"))
    assert page.locator("#period").input_value() == ""
    assert page.url.endswith("/?from=2025-01-15&to=2025-01-15&channel=web&split=channel")

    page.get_by_role("link", name="Pipeline").click()
    demo.wait_for("version", "1")
    page.get_by_role("link", name="Sales").click()
    demo.wait_for("orders", orders("channel = 'web' and ordered_at::date = '2025-01-15'"))
    assert page.locator("#channel").input_value() == "web"

    page.evaluate("history.go(-5)")
    demo.wait_for("orders", orders(newest_days))
    assert page.locator("#channel").input_value() == ""
    assert demo.errors == []


@pytest.mark.parametrize("end", ["Tab", "Enter"])
def test_a_typed_day_counts_once_it_is_whole(demo: Dashboard, end: str) -> None:
    page = demo.visit("/")
    usual = demo.figure("orders")
    page.locator("#from").focus()
    for key in ("0", "1", "1", "4", "2", "0", "2", "5"):
        page.keyboard.press(key)
        page.wait_for_timeout(250)
    assert page.locator("#from").input_value() == "2025-01-14"
    assert demo.figure("orders") == usual
    page.keyboard.press(end)
    while end == "Tab" and page.evaluate("document.activeElement.id") == "from":
        page.keyboard.press(end)
    ((orders,),) = demo.ask(
        "select count(*) from gold.fact_orders"
        " where ordered_at::date between '2025-01-14' and '2025-01-15'"
    )
    demo.wait_for("orders", f"{orders:,}")
    assert page.url.endswith("/?from=2025-01-14&to=2025-01-15&split=channel")
    assert demo.errors == []


def test_a_picked_day_counts_at_once(demo: Dashboard) -> None:
    page = demo.visit("/")
    page.locator("#from").click()
    page.locator("#from").evaluate(
        "field => { field.value = '2025-01-14';"
        " field.dispatchEvent(new Event('change', {bubbles: true})); }"
    )
    page.wait_for_url("**/?from=2025-01-14&to=2025-01-15&split=channel")
    assert demo.errors == []


def test_without_a_forecast_it_says_what_makes_one(demo: Dashboard) -> None:
    page = demo.visit("/")
    assert demo.ask("select count(*) from gold.sales_forecast") == [(0,)]
    assert "No forecast was made yet." in page.inner_text("#page")
    assert "make forecast" in page.inner_text("#page")


def test_an_address_that_does_not_read_shows_the_usual(demo: Dashboard) -> None:
    page = demo.visit("/?from=yesterday&to=&period=fortnight&split=moon&channel=%27%3B--")
    assert demo.figure("orders") == "0"
    assert page.locator("#from").input_value() == "2025-01-09"
    demo.visit("/nowhere")
    assert "There is no such page." in page.inner_text("#page")
    assert demo.errors == []


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing(demo: Dashboard, theme: str) -> None:
    demo.page.emulate_media(color_scheme=theme)
    for path in PAGES:
        page = demo.visit(path)
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], path


def test_a_long_word_pushes_no_figure_out_of_sight(demo: Dashboard) -> None:
    page = demo.visit("/")
    hidden = page.evaluate("""() => {
        const cell = document.querySelector("[data-table=sales_by_category] td");
        cell.innerText = "X".repeat(200);
        const table = cell.closest(".scrolls");
        return table.scrollWidth - table.clientWidth;
    }""")
    assert hidden == 0


def test_a_phone_scrolls_down_only(demo: Dashboard) -> None:
    demo.page.set_viewport_size({"width": 360, "height": 740})
    for path in PAGES:
        page = demo.visit(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
        found = Axe().run(page, options={"runOnly": ["cat.structure", "cat.keyboard"]})
        assert found.response["violations"] == [], path
    demo.page.set_viewport_size({"width": 1280, "height": 800})
    assert demo.errors == []


def test_the_chosen_look_stays_and_charts_follow_it(demo: Dashboard) -> None:
    page = demo.page
    page.emulate_media(color_scheme="light")
    demo.visit("/")
    color = "document.querySelector('.js-plotly-plot').data[0].marker.color"
    assert page.evaluate(color) == THEMES["light"].series[0]
    page.get_by_role("button", name="Light / dark").click()
    page.wait_for_function(f"{color} === '{THEMES['dark'].series[0]}'")
    demo.visit("/")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate(color) == THEMES["dark"].series[0]
    page.evaluate("localStorage.clear()")


def test_a_newer_version_is_seen_without_a_reload(
    built: Built, opened: Opened, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path)
    settings.published.mkdir(parents=True)
    shutil.copyfile(current_file(built.settings), current_file(settings))
    dashboard = opened(settings)
    page = dashboard.visit("/pipeline")
    assert dashboard.figure("version") == "1"

    newer = tmp_path / "newer.duckdb"
    shutil.copyfile(current_file(built.settings), newer)
    with duckdb.connect(newer) as connection:
        connection.execute("update audit.published set version = 2")
        # A history of more than two months: the last 30 days are shown where nothing is chosen.
        connection.execute("update gold.fact_orders set ordered_at = ordered_at - interval 60 day")
    newer.replace(current_file(settings))
    assert page.locator("#period").input_value() == "7"
    page.evaluate("window.dash_clientside.set_props('clock', {n_intervals: 1})")
    page.wait_for_function("document.querySelector('[data-figure=version]').innerText === '2'")
    assert "version 2" in page.inner_text("#stamp")
    page.wait_for_function("document.getElementById('period').value === '30'", timeout=5000)

    # Published before any file was loaded.
    shutil.copyfile(current_file(built.settings), newer)
    with duckdb.connect(newer) as connection:
        connection.execute("update audit.published set version = 3, as_of_date = null")
    newer.replace(current_file(settings))
    for path in PAGES:
        dashboard.visit(path)
        assert "no file was loaded" in page.inner_text("#page")

    # A version that was built before there were metrics: a sentence, not an error.
    with duckdb.connect(newer) as connection:
        connection.execute("create schema audit; create schema gold")
        connection.execute(
            "create table audit.published as select 3 as version, timestamp '2025-01-15' as"
            " published_at, date '2025-01-15' as as_of_date;"
            "create table gold.fact_sales (currency text, channel text, product_key text);"
            "create table gold.dim_product (product_key text, category text);"
            "create table gold.fact_orders (ordered_at timestamp, channel text);"
            "create table gold.fact_payments (transaction_at timestamp);"
            "create table gold.sales_funnel (date_day date)"
        )
    newer.replace(current_file(settings))
    dashboard.visit("/")
    assert "Build anew with: make run" in page.inner_text("#page")
    with duckdb.connect(newer) as connection:
        connection.execute("create schema audit")
    newer.replace(current_file(settings))
    dashboard.visit("/")
    assert "Build anew with: make run" in page.inner_text("#page")
    assert dashboard.errors == []


def test_a_feed_is_late_once_its_contract_expects_it(
    built: Built, opened: Opened, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path)
    for folder in (settings.published, settings.warehouse.parent):
        folder.mkdir(parents=True)
    shutil.copyfile(current_file(built.settings), current_file(settings))
    today = datetime.now(UTC).date()
    arrived = {"orders": today - timedelta(days=9), "payments": today}
    document = {feed: {"newest": str(day), "is_live": True} for feed, day in arrived.items()}
    (settings.warehouse.parent / FEEDS_FILE).write_text(json.dumps(document), encoding="utf-8")

    dashboard = opened(settings)
    dashboard.visit("/pipeline")
    feeds = {row[0]: row for row in shown_figures(dashboard.page)["feeds"]}
    late = {feed for feed, row in feeds.items() if row[1] == "late"}
    assert dashboard.figure("late_feeds") == str(len(late))
    assert next(iter(feeds)) == "orders" and "payments" not in late
    expected_by = load_contracts(settings.contracts_file)["orders"].expected
    due = expected_by.late_at(expected_by.newest_due(datetime.now(UTC).replace(tzinfo=None)))
    assert says(feeds["orders"][-1], due)
    assert not says(feeds["payments"][-1], due)
    assert dashboard.errors == []


def test_before_the_first_build_and_of_a_damaged_file_it_says_what_to_do(
    built: Built, opened: Opened, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path)
    dashboard = opened(settings)
    for path in PAGES:
        page = dashboard.visit(path)
        assert "Nothing was published yet." in page.inner_text("#page")
        assert "make run" in page.inner_text("#page")
    assert Axe().run(page).response["violations"] == []
    current_file(settings).parent.mkdir()
    damaged = "The published file is damaged. What helps: docs/runbook.md"
    current_file(settings).write_bytes(b"no database")
    assert damaged in dashboard.visit("/").inner_text("#page")
    # Its catalogue is whole; what the filters offer is not.
    shutil.copyfile(current_file(built.settings), current_file(settings))
    spoil_column(current_file(settings), "gold.fact_orders", "channel")
    assert damaged in dashboard.visit("/").inner_text("#page")
    assert dashboard.errors == []


def test_the_first_view_stands_within_three_seconds(
    built: Built, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", str(built.settings.data_dir))
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    seconds: list[float] = []
    while len(seconds) < 3 and min(seconds, default=99) >= FIRST_VIEW_SECONDS:
        asked.clear()
        seconds.append(_seconds_to_first_view(page) / _slowness())
    assert min(seconds) < FIRST_VIEW_SECONDS
    # Asked for early, and not once more.
    assert asked.count("plotly.min.js") == 1


def _slowness() -> float:
    """How much longer than on an idle machine things take: others' work must not decide.

    For two processes at once, as the server and the browser are.
    """
    used, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-c", "import dashboard.serve"]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    seconds, use = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = use.ru_utime - used.ru_utime + use.ru_stime - used.ru_stime
    return max(1, seconds / (worked / len(both)))


def _seconds_to_first_view(page: Page) -> float:
    port = free_port()
    command = [sys.executable, "-m", "orchestration", "dashboard", "--port", str(port)]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port)
        page.goto(f"http://127.0.0.1:{port}")
        page.locator("#sales_over_time .main-svg").first.wait_for()
        return time.monotonic() - began
    finally:
        # Not terminate(): that is ignored where this process was started in the background.
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(1000):
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"Nothing listens on {port}.")


def test_a_host_that_is_no_address_is_a_sentence(built: Built) -> None:
    from dashboard.serve import serve

    with pytest.raises(ConfigurationError, match=r"cannot listen on no\.such\.host:8050"):
        serve(built.settings, "no.such.host", 8050, lambda line: None)


def test_a_port_that_is_taken_is_a_sentence(demo: Dashboard, built: Built) -> None:
    from dashboard.serve import serve

    port = int(demo.address.rpartition(":")[2])
    with pytest.raises(ConfigurationError, match="Choose another port"):
        serve(built.settings, "127.0.0.1", port, lambda line: None)


def test_without_chromium_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CHROMIUM", raising=False)
    with pytest.raises(ConfigurationError, match="apt-get install chromium"):
        find_chromium()
