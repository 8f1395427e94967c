"""What the environment says, read in one place.

Belongs here: environment variables, their defaults, the folders under `DATA_DIR`.
Does not: contracts of feeds (`contracts/`), dbt's own configuration (`profiles.yml`).
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

PROJECT_DIR = Path(__file__).resolve().parent.parent

# What may be counted from today without leaving the calendar, or what Dagster stores in 32 bits.
_TEN_YEARS_DAYS = 3_650
_TEN_YEARS_MINUTES = _TEN_YEARS_DAYS * 24 * 60
_TEN_YEARS_SECONDS = _TEN_YEARS_MINUTES * 60
_MOST_KEPT = 1_000_000
_LEAST_MEMORY_BYTES, _MOST_MEMORY_BYTES = 10**7, 10**15


class ConfigurationError(Exception):
    """The configuration is wrong; the message says what, where and what to do (exit code 2)."""


def make_private(folder: Path) -> None:
    """Make a folder that its owner alone may enter; one that is there keeps its mode."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


@dataclass(frozen=True)
class MailServer:
    """One SMTP server. `is_tls`: encrypted from the first byte (smtps); else as it offers."""

    host: str
    port: int
    is_tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class AlertSettings:
    """Where alerts go beside the log; None: not there."""

    webhook_url: str | None = field(default=None, repr=False)
    mail_server: MailServer | None = None
    email_from: str | None = None
    email_to: tuple[str, ...] = ()

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels that are configured."""
        configured = {"webhook": self.webhook_url, "e-mail": self.mail_server}
        return tuple(name for name, value in configured.items() if value is not None)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "AlertSettings":
        """What the variables ALERT_* say. Raises ConfigurationError when one cannot be meant."""
        server = _mail_server(environ)
        sender = (environ.get("ALERT_EMAIL_FROM") or "").strip() or None
        listed = (environ.get("ALERT_EMAIL_TO") or "").split(",")
        recipients = tuple(address.strip() for address in listed if address.strip())
        for name, addresses in (("FROM", [sender] if sender else []), ("TO", recipients)):
            if wrong := [one for one in addresses if not re.fullmatch(r"[^@\s]+@[^@\s]+", one)]:
                raise ConfigurationError(
                    f"Environment variable ALERT_EMAIL_{name} has {wrong[0]!r}, which is no e-mail"
                    " address."
                )
        if server and not (sender and recipients):
            raise ConfigurationError(
                "ALERT_SMTP_URL is set: ALERT_EMAIL_FROM and ALERT_EMAIL_TO must be set as well."
            )
        if (sender or recipients) and not server:
            raise ConfigurationError(
                "ALERT_EMAIL_FROM or ALERT_EMAIL_TO is set: ALERT_SMTP_URL must be set as well,"
                " for example smtp://user:password@mail.example.com:587."
            )
        return cls(_webhook(environ), server, sender, recipients)


@dataclass(frozen=True)
class Settings:
    """Folders, waiting times and what is kept, of one warehouse.

    `settle_seconds` is how long (seconds) a file without a trigger must be unchanged before it
    is taken, `batch_timeout_minutes` how long (minutes) a batch may wait before it is `late`,
    `memory_limit` what DuckDB may use (`2GB`; None: its own default, most of the machine),
    `sensor_interval_seconds` how often Dagster's daemon looks into landing, `steward_group` the
    system's group that may read the stewards' published file (None: its owner alone), `alerts`
    where alerts go beside the log, `retry_pause_seconds` the first pause (seconds) after a failure;
    each further one doubles it. Of versions the newest `versions_kept` are kept, and of those
    none older than `versions_kept_days` (days; 0: no limit) but what readers see and the one to
    go back to; of Dagster's runs `runs_kept`. `nightly_cron` and `demo_cron` are cron
    expressions, in UTC: of the full tests, and of the made-up day for demonstrations.
    """

    data_dir: Path
    project_dir: Path = PROJECT_DIR
    settle_seconds: float = 5.0
    batch_timeout_minutes: float = 120.0
    memory_limit: str | None = None
    sensor_interval_seconds: int = 30
    steward_group: str | None = None
    retry_pause_seconds: float = 60.0
    versions_kept: int = 5
    versions_kept_days: float = 0.0
    runs_kept: int = 500
    nightly_cron: str = "30 2 * * *"
    demo_cron: str = "*/10 * * * *"
    alerts: AlertSettings = AlertSettings()

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Settings from `environ` (default: the process environment).

        Raises ConfigurationError when a variable does not read as its type, or cannot be meant.
        """
        environ = os.environ if environ is None else environ
        return cls(
            data_dir=_data_dir(environ),
            settle_seconds=_number(environ, "SETTLE_SECONDS", 5.0, _TEN_YEARS_SECONDS),
            batch_timeout_minutes=_number(
                environ, "BATCH_TIMEOUT_MINUTES", 120.0, _TEN_YEARS_MINUTES
            ),
            memory_limit=_size(environ, "MEMORY_LIMIT"),
            sensor_interval_seconds=_count(
                environ, "SENSOR_INTERVAL_SECONDS", 30, _TEN_YEARS_SECONDS
            ),
            steward_group=(environ.get("STEWARD_GROUP") or "").strip() or None,
            retry_pause_seconds=_number(environ, "RETRY_PAUSE_SECONDS", 60.0, _TEN_YEARS_SECONDS),
            versions_kept=_count(environ, "VERSIONS_KEPT", 5, _MOST_KEPT),
            versions_kept_days=_number(environ, "VERSIONS_KEPT_DAYS", 0.0, _TEN_YEARS_DAYS),
            runs_kept=_count(environ, "RUNS_KEPT", 500, _MOST_KEPT),
            nightly_cron=_cron(environ, "NIGHTLY_CRON", "30 2 * * *"),
            demo_cron=_cron(environ, "DEMO_CRON", "*/10 * * * *"),
            alerts=AlertSettings.from_env(environ),
        )

    @property
    def landing(self) -> Path:
        return self.data_dir / "landing"

    @property
    def archive(self) -> Path:
        return self.data_dir / "archive"

    @property
    def discarded(self) -> Path:
        return self.data_dir / "discarded"

    @property
    def published(self) -> Path:
        return self.data_dir / "published"

    @property
    def warehouse(self) -> Path:
        """The single-writer DuckDB file."""
        return self.data_dir / "warehouse" / "warehouse.duckdb"

    @property
    def spool(self) -> Path:
        """Scratch space of the loader: decoded copies of files being read. Safe to empty."""
        return self.data_dir / "warehouse" / "spool"

    @property
    def spill(self) -> Path:
        """Where DuckDB puts what does not fit into memory."""
        return self.data_dir / "warehouse" / "spill"

    @property
    def contracts_file(self) -> Path:
        return self.project_dir / "models" / "bronze" / "_bronze__sources.yml"


def _webhook(environ: Mapping[str, str]) -> str | None:
    text = (environ.get("ALERT_WEBHOOK_URL") or "").strip()
    if text:
        example = "https://hooks.example.com/services/T0/B0"
        _url(text, "ALERT_WEBHOOK_URL", ("http", "https"), example)
    return text or None


def _mail_server(environ: Mapping[str, str]) -> MailServer | None:
    text = (environ.get("ALERT_SMTP_URL") or "").strip()
    if not text:
        return None
    example = "smtp://user:password@mail.example.com:587"
    url = _url(text, "ALERT_SMTP_URL", ("smtp", "smtps"), example)
    return MailServer(
        host=url.hostname or "",
        port=url.port or (465 if url.scheme == "smtps" else 587),
        is_tls=url.scheme == "smtps",
        user=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
    )


def _url(text: str, name: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    # What is wrong is not repeated: it may hold a password, or be one.
    wrong = ConfigurationError(
        f"Environment variable {name} is no URL of the form {example}; it must begin with"
        f" {' or '.join(f'{scheme}://' for scheme in schemes)} and name a host."
    )
    try:
        url = urlsplit(text)
        if url.scheme not in schemes or not url.hostname or url.port == 0 or " " in text:
            raise wrong
    except ValueError:
        raise wrong from None
    return url


def _data_dir(environ: Mapping[str, str]) -> Path:
    path = Path(environ.get("DATA_DIR") or PROJECT_DIR / "data").absolute()
    # dbt-duckdb reads the path of the database as a URL; DuckDB takes \/ for one separator.
    if found := re.search(r"[#?]|\\(?=/|$)", str(path)):
        where = "at the end of a folder's name" if found[0] == "\\" else "in it"
        raise ConfigurationError(
            f"DATA_DIR is {path}, which has {found[0]} {where}: dbt cannot open a database there."
            " Set the environment variable DATA_DIR to a folder without it."
        )
    return path


def _size(environ: Mapping[str, str], name: str) -> str | None:
    text = (environ.get(name) or "").strip()
    if not text:
        return None
    if not _LEAST_MEMORY_BYTES <= _bytes(text) <= _MOST_MEMORY_BYTES:
        raise ConfigurationError(
            f"Environment variable {name} is {text!r}; it must be a size such as 2GB, from 10MB to"
            " 1000TB."
        )
    return text


def _bytes(size: str) -> float:
    """What `2GB` or `1.5 GiB` are in bytes; 0 for what is no size."""
    read = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT])(i?)B", size, re.IGNORECASE | re.ASCII)
    if not read:
        return 0.0
    number, unit, binary = read.groups()
    return float(number) * (1024 if binary else 1000) ** ("KMGT".index(unit.upper()) + 1)


def _cron(environ: Mapping[str, str], name: str, default: str) -> str:
    text = (environ.get(name) or default).strip()
    # Five fields; Dagster says of each whether it is one.
    if len(text.split()) != 5:
        raise ConfigurationError(
            f"Environment variable {name} is {text!r}; it must be a cron expression such as"
            f" {default!r}."
        )
    return text


def _count(environ: Mapping[str, str], name: str, default: int, most: int) -> int:
    """A whole number of at least 1; what is less is taken for it."""
    return max(1, int(_number(environ, name, default, most)))


def _number(environ: Mapping[str, str], name: str, default: float, most: float) -> float:
    text = environ.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:
        raise ConfigurationError(
            f"Environment variable {name} is {text!r}; it must be a number from 0 to {most:,}."
        )
    return value
