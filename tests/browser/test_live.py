"""Live pages: what arrives appears at once, what is being read does not move, pausing and hiding end it."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, expect

from tests.console.running import Console, running, span_id, trace_id
from tests.console.telemetry import log, logs, span, traces
from tests.processes import wait_until

SOON = 1_500
"""Milliseconds until what a service exported must be on the screen."""


def send(console: Console, name: str, trace: str = "") -> None:
    console.send("/v1/traces", traces("live", span(trace or trace_id(), span_id(), name)))


def test_the_first_span_turns_the_empty_page_into_a_list_and_the_next_joins_it(page: Page) -> None:
    with running() as console:
        page.goto(f"{console.pages}/traces")
        expect(page.locator("h1")).to_contain_text("Nothing has arrived")
        send(console, "first light")
        expect(page.locator("tbody tr")).to_contain_text("first light", timeout=2 * SOON)
        send(console, "second light")
        expect(page.locator("tbody tr")).to_have_count(2, timeout=SOON)


def test_what_is_being_read_stays_until_the_bar_is_taken(page: Page) -> None:
    with running() as console:
        send(console, "old")
        page.goto(f"{console.pages}/traces")
        page.locator("tbody tr").hover()
        for number in range(3):
            send(console, f"new {number}")
        expect(page.locator(".newer")).to_be_visible(timeout=2 * SOON)
        expect(page.locator(".newer")).to_contain_text("3 new", timeout=2 * SOON)
        expect(page.locator("tbody tr")).to_have_count(1)
        page.locator(".newer").click()
        expect(page.locator("tbody tr")).to_have_count(4)
        expect(page.locator(".newer")).to_have_count(0)


def test_what_was_held_comes_by_key_or_when_the_reader_goes_elsewhere(page: Page) -> None:
    with running() as console:
        console.send("/v1/logs", logs("live", log("old line")))
        page.goto(f"{console.pages}/logs")
        page.locator("summary", has_text="old line").click()
        console.send("/v1/logs", logs("live", log("second line")))
        expect(page.locator(".newer")).to_contain_text("1 new", timeout=2 * SOON)
        page.keyboard.press("n")
        expect(page.locator("[data-row]")).to_have_count(2)
        page.locator("[data-row]").last.hover()
        console.send("/v1/logs", logs("live", log("third line")))
        expect(page.locator(".newer")).to_contain_text("1 new", timeout=2 * SOON)
        expect(page.locator("[data-row]")).to_have_count(2)
        page.mouse.move(2, 2)
        page.evaluate("document.activeElement.blur()")
        expect(page.locator("[data-row]")).to_have_count(3, timeout=2 * SOON)


def test_a_trace_is_pinned_by_its_button(page: Page) -> None:
    with running() as console:
        trace = trace_id()
        send(console, "keep me", trace)
        page.goto(f"{console.pages}/trace/{trace}")
        page.get_by_role("button", name="Pin", exact=True).click()
        expect(page.get_by_role("button", name="Unpin")).to_be_visible()
        assert page.url.startswith(f"{console.pages}/trace/{trace}")


def test_a_paused_page_keeps_still_and_catches_up(page: Page) -> None:
    with running() as console:
        send(console, "old")
        page.goto(f"{console.pages}/traces")
        expect(page.locator("#live-text")).to_have_text("Live")
        page.keyboard.press("p")
        expect(page.locator("#live-text")).to_have_text("Paused")
        wait_until(lambda: streams(console) == 0, "the end of the stream")
        send(console, "new")
        page.keyboard.press("p")
        expect(page.locator("tbody tr")).to_have_count(2, timeout=SOON)


def test_without_a_place_for_a_stream_the_page_asks(browser: Browser) -> None:
    with running() as console:
        send(console, "old")
        held = [stream(console) for _ in range(16)]
        page = browser.new_page()
        page.goto(f"{console.pages}/traces")
        send(console, "new")
        expect(page.locator("tbody tr")).to_have_count(2, timeout=4_000)
        page.close()
        for one in held:
            one.close()


def test_a_page_says_when_the_console_is_gone(browser: Browser) -> None:
    page = browser.new_page()
    with running() as console:
        send(console, "old")
        page.goto(f"{console.pages}/traces")
        expect(page.locator("#live-text")).to_have_text("Live")
    expect(page.locator("#live-text")).to_have_text("Not reachable", timeout=5_000)
    page.close()


def stream(console: Console) -> http.client.HTTPResponse:
    """An open answer that holds one of the places; it owns the connection."""
    parts = urlsplit(console.pages)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request("GET", "/events")
    answer = connection.getresponse()
    assert answer.status == 200
    return answer


def streams(console: Console) -> int:
    """How many places are taken."""
    return int(console.json("/api/status")["streams"])
