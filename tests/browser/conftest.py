"""Headless Chromium, and pages that fail the test when anything unexpected happens in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from tests.console.conftest import console, order
from tests.processes import missing

__all__ = ["browser", "console", "order", "page"]

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Ended with the module: Playwright leaves an event loop running, where Django refuses the database."""
    if not CHROMIUM.exists():
        missing(f"{CHROMIUM} is not there (apt package chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page; console messages (a violated policy is one), errors and foreign requests fail the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    trouble: list[str] = []
    opened.on("console", lambda message: trouble.append(f"{message.type}: {message.text}"))
    opened.on("pageerror", lambda error: trouble.append(f"error: {error}"))
    opened.on("request", lambda request: trouble.extend(foreign(request)))
    yield opened
    context.close()
    assert not trouble


def foreign(request: Request) -> list[str]:
    """A complaint about a request that leaves the machine."""
    host = urlsplit(request.url).hostname
    return [] if host == "127.0.0.1" else [f"request to {request.url}"]
