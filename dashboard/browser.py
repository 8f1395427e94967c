"""A real browser, for tests and pictures.

Belongs here: finding Chromium, opening a page of the dashboard and waiting until it stands. Does
not: what is looked at.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from orchestration.settings import ConfigurationError

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_STANDS = """() => document.querySelector("#page .panel")
    && [...document.querySelectorAll("#page .chart")].every(c => c.querySelector(".main-svg"))"""


def find_chromium() -> str:
    """The system's Chromium, or what CHROMIUM names; Playwright then downloads none of its own.

    Raises ConfigurationError with what to install.
    """
    for name in filter(None, (os.environ.get("CHROMIUM"), *_NAMES)):
        if path := shutil.which(name):
            return path
    raise ConfigurationError(
        "No Chromium was found. Install it (Debian, Ubuntu: apt-get install chromium) or name one"
        " in the environment variable CHROMIUM."
    )


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser for as long as the block lasts."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium())
        try:
            yield browser
        finally:
            browser.close()


def visit(page: Page, address: str) -> None:
    """Go to a page of the dashboard and wait until all of it stands."""
    page.goto(address)
    page.wait_for_function(_STANDS)
