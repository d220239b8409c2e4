"""The page of a correlation ID in a browser: one picture, its links, what the pointer and the keys do."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.accessibility import faults
from tests.console.business import Business
from tests.console.running import Console


@pytest.fixture(scope="module")
def business(console: Console) -> Business:
    told = Business(501)
    told.send(console)
    return told


def test_bars_stand_in_their_lanes_and_waits_end_where_bars_begin(
    page: Page, console: Console, business: Business
) -> None:
    page.goto(f"{console.pages}/c/{business.id}")
    story = page.locator("#story").bounding_box()
    assert story
    lanes = page.locator("#story rect.lane").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect())"
    )
    for bar in page.locator("#story .body, #story .solid").all():
        box = bar.bounding_box()
        assert box
        assert story["x"] <= box["x"]
        assert box["x"] + box["width"] <= story["x"] + story["width"] + 1
        assert (
            sum(lane["top"] <= box["y"] and box["y"] + box["height"] <= lane["bottom"] for lane in lanes) == 1
        )
    task = page.get_by_role("link", name="billing: billing.invoice, retried").first
    queued, run = task.locator(".queued").bounding_box(), task.locator(".solid, .body").bounding_box()
    assert queued
    assert run
    assert queued["x"] + queued["width"] == pytest.approx(run["x"], abs=2)


def test_a_bar_leads_to_its_span_and_a_dot_to_its_line(
    page: Page, console: Console, business: Business
) -> None:
    page.goto(f"{console.pages}/c/{business.id}")
    page.locator(".dot-link.lv-WARNING").first.click()
    expect(page.locator(".loglines li:target .msg")).to_have_text("ledger cannot be reached")
    page.get_by_role("link", name="payments: POST webhooks/paid/, 200").click()
    page.wait_for_url(re.compile(rf"/trace/{business.webhook}\?span="))


def test_the_pointer_on_a_line_shows_its_moment_and_its_step(
    page: Page, console: Console, business: Business
) -> None:
    page.goto(f"{console.pages}/c/{business.id}")
    cursor = page.locator("#cursor")
    expect(cursor).to_have_attribute("visibility", "hidden")
    page.locator(".loglines li.line", has_text="invoice mailed").hover()
    expect(cursor).to_have_attribute("visibility", "visible")
    lit = page.locator("#story .step.lit")
    expect(lit).to_have_attribute("aria-label", "billing: billing.invoice, done")
    lit.hover()
    expect(page.locator(".loglines .lit")).to_have_count(1)
    expect(page.locator(".steps .lit")).to_contain_text("attempt 3 of 3")


def test_a_drag_zooms_into_a_part_and_the_chip_shows_all_again(
    page: Page, console: Console, business: Business
) -> None:
    page.goto(f"{console.pages}/c/{business.id}")
    plot = page.locator("#timeline .plot").bounding_box()
    last = (
        page.get_by_role("link", name="billing: billing.invoice, retried")
        .last.locator(".body")
        .bounding_box()
    )
    assert plot
    assert last
    page.mouse.move(last["x"] - 3, plot["y"] + 40)
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] - 1, plot["y"] + 60, steps=4)
    page.mouse.up()
    page.wait_for_url("**zoom=**")
    expect(page.locator(".steps tbody tr")).to_have_count(3)
    expect(page.locator(".loglines li.line")).to_have_count(2)
    expect(page.locator("#story .tick").first).to_have_text("+50.1 s")
    page.keyboard.press("z")
    expect(page.locator(".steps tbody tr")).to_have_count(8)


def test_the_end_of_the_story_comes_by_itself(page: Page, console: Console) -> None:
    told = Business(502)
    told.send(console)
    page.goto(f"{console.pages}/c/{told.id}")
    expect(page.locator(".ended")).to_have_text("reserve has not been taken up yet")
    told.take_up()
    told.send(console)
    expect(page.locator(".ended")).to_have_text("Completed after 2 retries", timeout=8_000)


def test_the_story_is_copied_with_a_key(browser: Browser, console: Console, business: Business) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{console.pages}/c/{business.id}")
    page.keyboard.press("c")
    expect(page.locator(".head .copy").nth(1)).to_have_text("Copied")
    pasted = page.evaluate("navigator.clipboard.readText()")
    assert pasted.startswith(f"Correlation ID {business.id}\n")
    assert pasted.count("\n") == 11
    context.close()


def test_without_javascript_everything_is_there(
    browser: Browser, console: Console, business: Business
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{console.pages}/c/{business.id}")
    page.get_by_role("link", name="Warnings and errors 2").click()
    expect(page.locator(".loglines li.line")).to_have_count(2)
    page.locator(".loglines summary").first.click()
    page.get_by_role("link", name="Open its trace at this line").first.click()
    page.wait_for_url(re.compile(rf"/trace/{business.invoice}\?log=\d+"))
    context.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_the_lists_fit_their_window_and_axe_finds_nothing_serious(
    page: Page, console: Console, business: Business, scheme: str, width: int
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 844})
    for path in (
        f"/c/{business.id}",
        "/traces?status=ok",
        "/logs?attributes=1",
        "/logs?q=unheardof&range=5m",
    ):
        page.goto(console.pages + path)
        expect(page.locator("h1")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert not faults(page), path
