"""What is around every page: rail, search, time range, theme, zone, keys, settings."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.accessibility import faults
from tests.console.order import Order
from tests.console.running import Console, running

NARROW: ViewportSize = {"width": 390, "height": 844}


def test_the_rail_and_its_keys_lead_to_the_five_pages_and_keep_the_range(
    page: Page, console: Console, order: Order
) -> None:
    page.goto(f"{console.pages}/settings?range=1h")
    expect(page.locator(".rail [aria-current=page]")).to_have_text("Settings")
    for key, place in (("t", "traces"), ("l", "logs"), ("s", "services"), ("m", "map"), (",", "settings")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(f"**/{place}?range=1h")
        expect(page.locator(f".rail [data-page={place}]")).to_have_attribute("aria-current", "page")


def test_the_time_range_is_chosen_by_mouse_or_key_and_keeps_the_filters(
    page: Page, console: Console, order: Order
) -> None:
    page.goto(f"{console.pages}/traces?status=error")
    page.keyboard.press("r")
    page.locator("#range a", has_text="Last 15 min").click()
    page.wait_for_url(re.compile(r"/traces\?status=error&range=15m$"))
    expect(page.locator("#range summary")).to_have_text("Last 15 min")
    page.keyboard.press("r")
    expect(page.locator("#range a[aria-current]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#range .choices")).to_be_hidden()
    expect(page.locator("#range summary")).to_be_focused()
    page.locator("#range summary").click()
    page.locator("#range input[name=from]").fill("2026-01-01T10:00:00")
    page.locator("#range button").click()
    page.wait_for_url(re.compile(r"status=error&from=2026-01-01T10%3A00"))
    expect(page.locator("#range summary")).to_have_text("1 Jan 10:00 to now")


def test_the_theme_is_remembered_and_there_before_the_first_paint(
    browser: Browser, console: Console, order: Order
) -> None:
    context = browser.new_context(color_scheme="dark", viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{console.pages}/settings")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Theme: auto").click()
    light = page.evaluate(ground)
    assert light != dark
    page.reload()
    assert page.evaluate(ground) == light
    page.get_by_role("button", name="Theme: light").click()
    page.get_by_role("button", name="Theme: dark").click()
    assert page.evaluate(ground) == dark
    assert page.evaluate("localStorage.length") == 0
    context.close()


def test_times_are_shown_in_utc_at_a_click(browser: Browser) -> None:
    with running(env={"TZ": "Asia/Kolkata"}) as console:
        for path, body in Order(number=7).requests():
            console.send(path, body)
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.goto(f"{console.pages}/logs")
        shown = page.locator("#content").inner_text()
        page.get_by_role("button", name="UTC").click()
        expect(page.locator("html")).to_have_attribute("data-zone", "utc")
        assert page.locator("#content").inner_text() != shown
        page.get_by_role("button", name="UTC").click()
        expect(page.locator("html")).to_have_attribute("data-zone", "local")
        context.close()


def test_the_sheet_lists_what_this_page_has(page: Page, console: Console, order: Order) -> None:
    page.goto(f"{console.pages}/traces")
    page.keyboard.press("?")
    sheet = page.locator("#key-sheet")
    expect(sheet).to_be_visible()
    for text in ("next row", "search", "time range", "settings"):
        expect(sheet.get_by_text(text, exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()


def test_a_test_trace_fills_the_empty_page_and_the_typed_word_clears_it(page: Page) -> None:
    with running() as console:
        page.goto(f"{console.pages}/traces")
        expect(page.locator("h1")).to_have_text("Nothing has arrived yet")
        assert not faults(page)
        page.get_by_role("button", name="Send a test trace").click()
        page.wait_for_url("**/trace/*")
        expect(page.get_by_text("This is how a warning looks").first).to_be_visible()
        page.goto(f"{console.pages}/settings")
        page.get_by_role("button", name="Clear everything").click()
        expect(page.locator("input[name=confirm]")).to_be_focused()
        page.locator("input[name=confirm]").fill("clear")
        page.get_by_role("button", name="Clear everything").click()
        expect(page.locator("#foot")).to_contain_text("0 spans")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_the_frame(
    browser: Browser, console: Console, order: Order, scheme: str
) -> None:
    dark = scheme == "dark"
    context = browser.new_context(
        color_scheme="dark" if dark else "light", viewport={"width": 1440, "height": 900}
    )
    page = context.new_page()
    for path in ("/settings", "/nothing"):
        page.goto(console.pages + path)
        assert not faults(page)
    page.goto(f"{console.pages}/traces")
    page.keyboard.press("r")
    assert not faults(page)
    page.set_viewport_size(NARROW)
    page.goto(f"{console.pages}/settings")
    assert not faults(page)
    context.close()


@pytest.mark.parametrize(("motion", "moves"), [("reduce", False), ("no-preference", True)])
def test_with_reduced_motion_nothing_moves(
    browser: Browser,
    console: Console,
    order: Order,
    *,
    motion: Literal["reduce", "no-preference"],
    moves: bool,
) -> None:
    context = browser.new_context(reduced_motion=motion)
    page = context.new_page()
    page.goto(f"{console.pages}/traces")
    expect(page.locator("#live")).to_be_visible()
    assert (page.evaluate("document.getAnimations().length") > 0) is moves
    context.close()
