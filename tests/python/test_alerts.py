"""Alerts: told once per occurrence, sent by webhook and e-mail, kept while a channel is down."""

import json
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import dagster as dg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from click.testing import CliRunner
from dagster._core.events import EngineEventData
from dagster._utils.error import SerializableErrorInfo
from landing_zone import LandingZone, orders_csv
from test_withhold import Zone as ZoneWithBreaker

from orchestration import channels
from orchestration.alerts import (
    observe_failed_run,
    observe_feeds,
    observe_warehouse,
    send_alerts,
    unsent_alerts,
)
from orchestration.cli import cli
from orchestration.contracts.options import read_expected
from orchestration.freshness import late_feeds
from orchestration.loader.load import connect
from orchestration.outbox import Alert, outbox
from orchestration.settings import AlertSettings, ConfigurationError, MailServer, Settings
from orchestration.watching import ARRIVAL_CHECK, watch

JAN_15, JAN_16, JAN_17 = (f"orders_2025_01_{day}.csv" for day in (15, 16, 17))
DAILY = read_expected({"every": "day", "by": "06:00", "days_after": 1, "grace_minutes": 60})


@dataclass
class Hook:
    """A real HTTP server: what it was sent, and how it answers."""

    url: str = ""
    texts: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    pause: float = 0.0
    requests: int = 0


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            hook.requests += 1
            time.sleep(hook.pause)
            status = hook.answers.pop(0) if hook.answers else 200
            if status == 200:
                hook.texts.append(body["text"])
            self.send_response(status)
            if status == 302:
                self.send_header("Location", hook.url)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        hook.url = f"http://127.0.0.1:{server.server_port}/services/T0/secret"
        yield hook
        server.shutdown()


@dataclass
class Mailbox:
    """A real SMTP server's letters, and who has logged in."""

    letters: list = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    answer: str = "250 OK"

    async def handle_DATA(self, _server, _session, envelope) -> str:
        if self.answer.startswith("250"):
            letter = message_from_bytes(envelope.content, policy=policy.default)
            self.letters.append((envelope.rcpt_tos, letter))
        return self.answer

    def authenticate(self, _server, _session, _envelope, _mechanism, data) -> AuthResult:
        self.logins.append((data.login, data.password))
        return AuthResult(success=True)


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(
        box,
        hostname="127.0.0.1",
        port=port,
        authenticator=box.authenticate,
        auth_require_tls=False,
    )
    server.start()
    yield box, port
    server.stop()


@pytest.fixture
def quick(monkeypatch) -> None:
    """Pauses a test can wait for."""
    monkeypatch.setattr(channels, "_PAUSES_SECONDS", (0.01, 0.01))


class Zone(ZoneWithBreaker):
    """A landing zone whose loads tell what must be told; nothing is expected of any feed."""

    def configure(self, **variables: str) -> None:
        self.settings = replace(self.settings, alerts=AlertSettings.from_env(variables))

    def observe(self) -> list[str]:
        """Load, take note; what the log is told."""
        self.load()
        lines: list[str] = []
        with closing(connect(self.settings)) as connection:
            observe_warehouse(connection, self.settings, self.contracts, lines.append, self.now)
        return lines

    def observe_feeds(self) -> list[str]:
        lines: list[str] = []
        observe_feeds(self.settings, self.contracts, lines.append, self.now)
        return lines

    def send(self) -> list[str]:
        problems: list[str] = []
        send_alerts(self.settings, problems.append)
        return problems

    def drop_on_time(self, name: str, day: int) -> list[str]:
        """Deliver orders, which are expected daily, on the morning after their batch date."""
        self.set_contract("orders", expected=DAILY)
        self.now = datetime(2025, 1, day + 1, 5, tzinfo=UTC)
        self.drop(name, orders_csv(str(day)))
        return self.observe()


@pytest.fixture
def zone(tmp_path) -> Zone:
    zone = Zone(tmp_path)
    for feed in zone.contracts:
        zone.set_contract(feed, expected=None)
    return zone


def hold(zone: LandingZone) -> None:
    """Deliver a file with a trigger that announces more rows."""
    zone.drop(JAN_15, orders_csv("1"))
    zone.drop_trigger("trigger_2025_01_15.json", {"name": JAN_15, "rows": 2})


def test_a_held_batch_is_told_once_with_its_figures_and_the_command(zone, hook):
    zone.configure(ALERT_WEBHOOK_URL=hook.url)
    hold(zone)
    told = zone.observe()
    assert len(told) == 1
    for part in (
        "Batch held: trigger_2025_01_15",
        f"rows_mismatch: {JAN_15} has 1 rows, the trigger says 2 (-1).",
        'python -m orchestration release trigger_2025_01_15 --why "…"',
    ):
        assert part in told[0]
    assert zone.send() == []
    assert [text.splitlines()[0] for text in hook.texts] == ["*Batch held: trigger_2025_01_15*"]
    assert told[0].split("\n")[1] in hook.texts[0]

    assert zone.observe() == []
    zone.send()
    zone.drop_trigger("trigger_2025_01_15.json", {"name": JAN_15, "rows": 3})
    assert len(zone.observe()) == 1, "another figure is another occurrence"
    zone.drop_trigger("trigger_2025_01_15.json", {"name": JAN_15, "rows": 1})
    assert zone.observe() == []
    zone.send()
    assert len(hook.texts) == 2


def test_a_late_batch_is_told_once(zone):
    zone.drop_trigger("trigger_2025_01_15.json", JAN_15)
    assert zone.observe() == []
    zone.now += timedelta(minutes=121)
    (line,) = zone.observe()
    assert f"Batch late: trigger_2025_01_15. It waits for {JAN_15}." in line
    assert "make run" in line
    assert zone.observe() == []


def test_an_open_breaker_is_told_once_even_when_the_file_is_judged_again(zone):
    zone.drop_and_load(JAN_16, "1")
    zone.open(JAN_16)
    (line,) = zone.observe()
    for part in (
        "Circuit breaker open: orders of batch 2025-01-16",
        f"{JAN_16} is loaded and not published: 9 rows;",
        "a median of 100 (MAD 1), usual are 40 to 250.",
        'python -m orchestration release 2025-01-16 --why "…"',
        f'python -m orchestration retract {JAN_16} --why "…"',
    ):
        assert part in line
    zone.drop(JAN_15, orders_csv("2"))
    zone.observe()
    assert zone.reconsidered() == [JAN_16]
    assert zone.observe() == []
    zone.open(JAN_16)
    assert zone.observe() == []


def test_a_late_feed_is_told_once_and_again_when_it_has_arrived(zone, hook):
    zone.configure(ALERT_WEBHOOK_URL=hook.url)
    assert zone.drop_on_time(JAN_15, 15) == []
    # An older day is not newer, and what will be refused does not arrive.
    zone.drop("orders_2025_01_02.csv")
    zone.drop("orders_2025_01_16.txt")
    zone.now = datetime(2025, 1, 17, 6, 59, tzinfo=UTC)
    assert zone.observe_feeds() == []
    zone.now = datetime(2025, 1, 17, 7, 0, tzinfo=UTC)
    (line,) = zone.observe_feeds()
    for part in (
        "Feed late: orders. Nothing of orders has come for 2025-01-16;",
        "by 2025-01-17 07:00 UTC",
        "The newest delivery is of 2025-01-15.",
        "drop orders_2025_01_16.* into landing",
    ):
        assert part in line
    zone.now += timedelta(days=3)
    assert zone.observe_feeds() == [], "still the same occurrence"

    (zone.settings.landing / "orders_2025_01_18.csv").mkdir()
    (zone.settings.landing / "orders_2025_01_19.csv").symlink_to("elsewhere.csv")
    zone.drop(JAN_17, "")
    zone.load()  # folders and links are passed over, an empty file is refused: nothing has arrived
    assert zone.observe() == []
    elsewhere = zone.now.astimezone(timezone(timedelta(hours=-1)))
    (late,) = late_feeds(zone.settings, zone.contracts, elsewhere).values()
    assert (str(late.newest), str(late.batch_date)) == ("2025-01-15", "2025-01-19")
    zone.now = datetime(2025, 1, 18, 6, tzinfo=UTC)
    zone.drop("orders_2025_01_02.csv")
    zone.drop("Orders_2025_01_17.csv", orders_csv("3"))
    assert zone.observe_feeds() == ["Alert is over: orders is late no more."]
    assert zone.observe() == []
    zone.send()
    assert [text.splitlines()[0] for text in hook.texts] == [
        "*Feed late: orders*",
        "*Over: Feed late: orders*",
    ]


def test_history_demo_data_and_feeds_without_an_expected_arrival_are_never_late(zone):
    zone.set_contract("orders", expected=DAILY)
    zone.now = datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert zone.observe_feeds() == []
    zone.drop(JAN_15, orders_csv("1"))
    assert zone.observe() == [], "history that was loaded years later"
    zone.drop("customers_2026_04_30.ndjson", '{"customer_id": "C1"}\n')
    assert zone.observe() == []
    zone.now += timedelta(days=30)
    assert zone.observe_feeds() == [], "nobody expects customers"


def test_a_feed_is_live_once_a_day_of_it_came_as_soon_as_expected(zone):
    ten_days_after = {"every": "day", "by": "06:00", "days_after": 10}
    zone.set_contract("orders", expected=read_expected(ten_days_after))
    zone.set_contract("payments", expected=DAILY)
    zone.now = datetime(2025, 1, 25, 5, tzinfo=UTC)
    zone.drop("orders_2024_01_15.csv", orders_csv("1"))
    zone.drop(JAN_15, orders_csv("2"))
    assert zone.observe() == []
    zone.now = datetime(2025, 1, 26, 7, tzinfo=UTC)
    (line,) = zone.observe_feeds()
    assert "Nothing of orders has come for 2025-01-16;" in line


def test_weekdays_days_after_and_grace_decide_when_a_feed_is_late():
    friday_too = read_expected({"every": "weekday", "by": "22:30", "days_after": 0})
    sunday = datetime(2025, 1, 19, 12)
    assert str(friday_too.newest_due(sunday)) == "2025-01-17"
    assert str(friday_too.newest_due(datetime(2025, 1, 17, 23, 29))) == "2025-01-16"
    assert str(friday_too.newest_due(datetime(2025, 1, 17, 23, 30))) == "2025-01-17"
    weekly = read_expected({"every": ["monday"], "by": "06:00", "days_after": 3})
    assert str(weekly.newest_due(sunday)) == "2025-01-13"
    assert str(weekly.late_at(weekly.newest_due(sunday))) == "2025-01-16 07:00:00"
    month = 31 * 24 * 60
    rare = {"every": "monday", "by": "23:59", "days_after": 31, "grace_minutes": month}
    assert str(read_expected(rare).newest_due(sunday)) == "2024-11-11"


def test_a_restart_tells_nothing_twice_and_a_lost_note_only_waits_for_the_next_load(zone):
    zone.drop_on_time(JAN_15, 15)
    zone.now += timedelta(days=5)
    assert len(zone.observe_feeds()) == 1
    again = Zone(zone.settings.data_dir)
    again.contracts, again.now = zone.contracts, zone.now
    assert again.observe_feeds() == []
    # Without the loader's note nobody knows: neither late nor over until the next load.
    again.settings.warehouse.with_name("feeds.json").write_text("{")
    assert again.observe_feeds() == []
    assert again.observe() == []


def test_a_failed_run_is_told_once_and_without_what_rows_hold(zone, hook):
    zone.configure(ALERT_WEBHOOK_URL=hook.url)
    error = (
        "The build failed; nothing was published.\nunique_key_orders: 2 rows failed; see them in"
        " test_failures.unique_key_orders\nstg_x: Could not convert string 'Ann Lee' or"
        ' "+49 170 1234567" or ann.lee@example.com, +49 170 1234567 to INT32'
    )
    lines: list[str] = []
    for _ in range(2):
        observe_failed_run(zone.settings, "run-1", "build", error, lines.append)
    assert len(lines) == 1
    zone.send()
    (text,) = hook.texts
    assert "unique_key_orders: 2 rows failed" in text
    assert "run-1" in text
    assert "make run" in text
    assert not any(secret in text for secret in ("Ann", "Lee", "170", "@"))


def test_a_server_that_fails_twice_gets_it_at_the_third_try(zone, hook, quick):
    zone.configure(ALERT_WEBHOOK_URL=hook.url)
    hook.answers = [500, 503]
    hold(zone)
    zone.observe()
    assert zone.send() == []
    assert (hook.requests, len(hook.texts)) == (3, 1)


@pytest.mark.parametrize("status", [404, 302])
def test_what_a_server_refuses_is_kept_and_sent_at_the_next_occasion(zone, hook, quick, status):
    zone.configure(ALERT_WEBHOOK_URL=hook.url)
    hook.answers = [status] * 4
    hold(zone)
    zone.observe()
    (problem,) = zone.send()
    assert f"HTTP Error {status}" in problem
    assert "secret" not in problem
    assert unsent_alerts(zone.settings)[0][:2] == ("webhook", "Batch held: trigger_2025_01_15")
    assert len(zone.send()) == 1
    assert hook.requests == 4, "three tries, later one for each occasion"
    assert zone.send() == []
    assert len(hook.texts) == 1
    assert unsent_alerts(zone.settings) == []


def test_a_server_that_hangs_delays_nobody_for_long_and_loses_nothing(
    zone, hook, quick, monkeypatch
):
    zone.configure(ALERT_WEBHOOK_URL=hook.url)
    hook.pause = 5.0
    hold(zone)
    zone.observe()
    with monkeypatch.context() as hasty:
        hasty.setattr(channels, "_TIMEOUT_SECONDS", 0.3)
        began = time.monotonic()
        (problem,) = zone.send()
    assert time.monotonic() - began < 4.5
    assert "timed out" in problem
    hook.pause = 0.0
    assert zone.send() == []
    assert hook.texts


def test_nobody_listens(zone, quick):
    zone.configure(ALERT_WEBHOOK_URL="http://127.0.0.1:9/x")
    hold(zone)
    zone.observe()
    assert "refused" in zone.send()[0]


def test_e_mail_reaches_all_recipients_after_a_login(zone, mailbox):
    box, port = mailbox
    zone.configure(
        ALERT_SMTP_URL=f"smtp://watch%40shop:p%2Fw@127.0.0.1:{port}",
        ALERT_EMAIL_FROM="orderhouse@shop.example",
        ALERT_EMAIL_TO="desk@shop.example, boss@shop.example",
    )
    hold(zone)
    zone.observe()
    assert zone.send() == []
    ((recipients, letter),) = box.letters
    assert box.logins == [(b"watch@shop", b"p/w")]
    assert recipients == ["desk@shop.example", "boss@shop.example"]
    assert letter["Subject"] == "[orderhouse] Batch held: trigger_2025_01_15"
    assert letter["From"] == "orderhouse@shop.example"
    assert "rows_mismatch" in letter.get_content()
    assert "release trigger_2025_01_15" in letter.get_content()


def test_one_channel_that_is_down_does_not_keep_back_the_other(zone, hook, mailbox, quick):
    box, port = mailbox
    box.answer = "451 try again later"
    zone.configure(
        ALERT_WEBHOOK_URL=hook.url,
        ALERT_SMTP_URL=f"smtp://127.0.0.1:{port}",
        ALERT_EMAIL_FROM="a@shop.example",
        ALERT_EMAIL_TO="b@shop.example",
    )
    hold(zone)
    zone.observe()
    (problem,) = zone.send()
    assert "could not be sent by e-mail" in problem
    assert len(hook.texts) == 1
    assert [channel for channel, _, _ in unsent_alerts(zone.settings)] == ["e-mail"]


def test_a_message_that_somebody_is_sending_is_not_sent_by_another(zone, hook):
    zone.configure(ALERT_WEBHOOK_URL=hook.url)
    hold(zone)
    zone.observe()
    with outbox(zone.settings) as one, outbox(zone.settings) as other:
        claimed = one.claim("webhook")
        assert claimed is not None
        assert other.claim("webhook") is None
        with closing(sqlite3.connect(zone.settings.warehouse.with_name("alerts.sqlite"))) as file:
            file.execute("update messages set claimed_at = claimed_at - 121")
            file.commit()
        assert other.claim("webhook") == claimed, "its sender has died"
        with closing(sqlite3.connect(zone.settings.warehouse.with_name("alerts.sqlite"))) as file:
            file.execute("update messages set claimed_at = claimed_at + 86400")
            file.commit()
        assert one.claim("webhook") == claimed, "the clock was set back"


def test_an_outbox_that_cannot_be_written_fails_nothing(zone):
    zone.load()
    zone.settings.warehouse.with_name("alerts.sqlite").write_bytes(b"no database" * 100)
    hold(zone)
    (line,) = zone.observe()
    assert line.startswith("Alerts could not be recorded: ")
    zone.configure(ALERT_WEBHOOK_URL="http://127.0.0.1:9/x")
    assert zone.send()[0].startswith("Alerts could not be sent: ")


def test_status_shows_what_is_withheld_and_unsent_and_release_ends_it(zone, quick, monkeypatch):
    zone.configure(ALERT_WEBHOOK_URL="http://127.0.0.1:9/x")
    zone.drop_and_load(JAN_16, "1")
    zone.open(JAN_16)
    zone.observe()
    zone.send()
    monkeypatch.setenv("DATA_DIR", str(zone.settings.data_dir))
    status = CliRunner().invoke(cli, ["status"]).output
    for part in (
        "Loaded, but far off and not published",
        'If it is right: python -m orchestration release 2025-01-16 --why "…"',
        "Alerts that could not be sent yet",
        "Circuit breaker open: orders of batch 2025-01-16",
        "Connection refused",
    ):
        assert part in status
    released = CliRunner().invoke(cli, ["release", "2025-01-16", "--why", "announced sale"])
    assert released.exit_code == 0, released.output
    assert released.output.startswith(f"Released 2025-01-16; it was held for: {JAN_16}: 9 rows;")
    assert "Loaded, but far off" not in CliRunner().invoke(cli, ["status"]).output


def test_many_of_a_kind_are_one_message(zone, hook):
    zone.configure(ALERT_WEBHOOK_URL=hook.url)
    feeds = ("orders", "customers", "payments", "products")
    with closing(connect(zone.settings)) as connection:
        for feed in feeds:
            zone.set_contract(feed, expected=DAILY)
            connection.execute(
                "insert into bronze.files (file_id, feed, batch_date, status, loaded_at)"
                " values (1, ?, '2025-01-15', 'loaded', '2025-01-16')",
                [feed],
            )
    assert len(zone.observe()) == len(feeds)
    zone.send()
    (text,) = hook.texts
    assert text.startswith("*4 alerts: Feed late: ")
    assert "drop payments_2025_01_19.* into landing" in text


def test_many_at_once_are_told_once(zone):
    alert = Alert("kind", "subject", "title", "cause", "command")
    told: list[Alert] = []

    def observe() -> None:
        with outbox(zone.settings) as box:
            told.extend(box.observe(["kind"], [alert], ["webhook"])[0])

    threads = [threading.Thread(target=observe) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [alert]
    assert len(unsent_alerts(zone.settings)) == 1


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"ALERT_WEBHOOK_URL": "hooks.example.com/x"}, "ALERT_WEBHOOK_URL is no URL of the form"),
        ({"ALERT_WEBHOOK_URL": "https://"}, "begin with http:// or https:// and name a host"),
        ({"ALERT_WEBHOOK_URL": "http://host:99999/"}, "ALERT_WEBHOOK_URL is no URL"),
        ({"ALERT_SMTP_URL": "mail.example.com:587"}, "ALERT_SMTP_URL is no URL of the form smtp:"),
        ({"ALERT_SMTP_URL": "smtp://h"}, "ALERT_EMAIL_FROM and ALERT_EMAIL_TO must be set"),
        ({"ALERT_EMAIL_TO": "a@b"}, "ALERT_SMTP_URL must be set as well"),
        (
            {"ALERT_SMTP_URL": "smtp://h", "ALERT_EMAIL_FROM": "a@b", "ALERT_EMAIL_TO": "a@b,c"},
            "ALERT_EMAIL_TO has 'c', which is no e-mail address",
        ),
    ],
)
def test_a_wrong_setting_is_a_sentence_and_exit_code_2(monkeypatch, tmp_path, variables, sentence):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(cli, ["run"])
    assert result.exit_code == 2
    assert sentence in result.output
    assert not list(tmp_path.iterdir())


def test_a_password_stands_in_no_message():
    settings = Settings.from_env(
        {
            "ALERT_WEBHOOK_URL": "https://hooks.example.com/secret",
            "ALERT_SMTP_URL": "smtps://user:secret@mail.example.com",
            "ALERT_EMAIL_FROM": "a@b",
            "ALERT_EMAIL_TO": "a@b",
        }
    )
    assert settings.alerts.mail_server.port == 465
    assert "secret" not in repr(settings)
    with pytest.raises(ConfigurationError) as error:
        Settings.from_env({"ALERT_SMTP_URL": "http://user:secret@mail.example.com"})
    assert "secret" not in str(error.value)


@pytest.fixture
def look(zone) -> Iterator[Callable[[], tuple[dg.SensorResult, list[str]]]]:
    """One tick of the sensor: what it gives, and what the log is told."""
    with dg.DagsterInstance.ephemeral() as instance:
        says: list[str | None] = []

        @dg.op
        def may_break() -> None:
            if says[-1]:
                raise RuntimeError(says[-1])

        @dg.job(name="build")
        def job() -> None:
            may_break()

        def end(error: str | None) -> None:
            says.append(error)
            ended = job.execute_in_process(instance=instance, raise_on_error=False)
            assert ended.success == (error is None)

        def tick() -> tuple[dg.SensorResult, list[str]]:
            lines: list[str] = []
            result = watch(instance, zone.settings, zone.contracts, zone.now, lines.append)
            return result, lines

        def break_off(error: str) -> None:
            run = instance.create_run_for_job(job)
            cause = SerializableErrorInfo(f"RuntimeError: {error}", [], "RuntimeError")
            event = EngineEventData.engine_error(cause)
            instance.report_engine_event("It broke.", run, event)
            instance.report_run_failed(run)

        tick.end, tick.break_off = end, break_off
        yield tick


def test_the_sensor_shows_a_late_feed_as_a_failed_check_until_it_has_arrived(zone, look):
    zone.drop_on_time(JAN_15, 15)
    result, lines = look()
    assert (result.skip_reason.skip_message, lines) == ("Nothing new to tell.", [])
    assert not result.asset_events

    zone.now += timedelta(days=5)
    result, lines = look()
    (check,) = result.asset_events
    assert (check.check_name, check.passed) == (ARRIVAL_CHECK, False)
    assert check.asset_key == dg.AssetKey(["bronze", "orders"])
    assert "Nothing of orders has come for" in check.description
    assert len(lines) == 1
    assert not look()[0].asset_events

    zone.drop("orders_2025_01_20.csv", orders_csv("2"))
    (check,) = look()[0].asset_events
    assert check.passed

    # What is expected no more, and what is no feed any more, has no check.
    zone.now += timedelta(days=5)
    assert look()[0].asset_events
    zone.set_contract("orders", expected=None)
    assert not look()[0].asset_events
    zone.set_contract("orders", expected=DAILY)
    assert look()[0].asset_events
    del zone.contracts["orders"]
    assert not look()[0].asset_events


def test_the_sensor_tells_of_a_failed_run_once_and_sends_what_runs_have_left(zone, look, hook):
    zone.configure(ALERT_WEBHOOK_URL=hook.url)
    zone.now = datetime.now(UTC)
    hold(zone)
    zone.observe()
    look.end("broken for the test")
    _, lines = look()
    assert len(lines) == 1
    assert "Run failed: build" in lines[0]
    assert "broken for the test" in lines[0]
    assert look()[1] == []
    assert [text.splitlines()[0] for text in hook.texts] == [
        "*Batch held: trigger_2025_01_15*",
        "*Run failed: build*",
    ]


def test_the_sensor_tells_what_ended_a_run_beside_its_steps(zone, look):
    zone.now = datetime.now(UTC)
    look.break_off("no such asset")
    (line,) = look()[1]
    assert "The run broke off; nothing was published.\nRuntimeError: no such asset" in line


def test_a_failure_that_repeats_is_told_once_until_a_run_succeeds(zone, look):
    zone.now = datetime.now(UTC)

    def told(*errors: str | None) -> list[str]:
        for error in errors:
            look.end(error)
        return look()[1]

    assert len(told("disk full")) == 1
    assert told("disk full", "disk full") == []
    assert len(told("disk broken")) == 1
    assert told(None) == []
    assert len(told("disk broken", "disk broken")) == 1


def test_a_failure_that_goes_on_for_days_is_told_once_a_day(zone, monkeypatch):
    began = datetime(2026, 3, 2, 17, 30, tzinfo=UTC)
    failed = [
        SimpleNamespace(
            storage_id=number,
            update_timestamp=began + timedelta(hours=number),
            dagster_run=SimpleNamespace(is_failure=True, run_id=f"run {number}", job_name="build"),
        )
        for number in range(60)
    ]

    class Instance:
        def get_run_records(self, filters, limit):
            if filters.statuses == [dg.DagsterRunStatus.SUCCESS]:
                return []
            known = [one for one in failed if filters.updated_after < one.update_timestamp <= now]
            return known[::-1][:limit]

        def all_logs(self, run_id, of_type):
            return []

    monkeypatch.setattr("orchestration.watching.error_of", lambda events: "disk full")
    told = {}
    for hour in range(60):
        now, lines = began + timedelta(hours=hour), []
        watch(Instance(), zone.settings, {}, now, lines.append)
        if lines:
            told[hour] = len(lines)
    # At once, and with the first failure of each further day.
    assert told == {0: 1, 7: 1, 31: 1, 55: 1}


def test_a_host_that_cannot_be_one_keeps_the_letter_and_says_so(zone):
    server = MailServer("mail..example", 587, is_tls=False)
    settings = AlertSettings(mail_server=server, email_from="a@b", email_to=("c@d",))
    with outbox(zone.settings) as box:
        box.observe(["held"], [Alert("held", "1", "Held", "why", "what helps")], settings.channels)
        (problem,) = channels.send_queued(box, settings)
        assert "UnicodeError" in problem or "UnicodeEncodeError" in problem
        assert len(box.unsent()) == 1
