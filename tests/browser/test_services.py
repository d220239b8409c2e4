"""The services' screens: rows are links, charts are drawn, a drag selects the time range."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.accessibility import faults
from tests.console.order import Order
from tests.console.running import Console, running, span_id, trace_id
from tests.console.telemetry import span, traces

SECOND = 10**9


@pytest.fixture(scope="module")
def shop() -> Iterator[Console]:
    """Ten orders over five minutes."""
    with running() as console:
        now = time.time_ns()
        for number in range(10):
            told = Order(number + 1, now - (10 - number) * 30 * SECOND, fails=number % 3 == 0)
            for path, body in told.requests():
                console.send(path, body)
        yield console


def test_a_row_leads_to_its_service_by_mouse_and_by_keys(page: Page, shop: Console) -> None:
    page.goto(f"{shop.pages}/services")
    expect(page.locator(".services tbody tr")).to_have_count(3)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/services/notifications")
    expect(page.locator("h1")).to_have_text("notifications")
    page.go_back()
    cell = page.locator("tbody tr").nth(2).locator(".seen").bounding_box()
    assert cell
    page.mouse.click(cell["x"] + 5, cell["y"] + 5)
    page.wait_for_url("**/services/orders")


def test_charts_are_drawn_and_a_drag_over_one_selects_the_time(page: Page, shop: Console) -> None:
    page.goto(f"{shop.pages}/services/orders")
    expect(page.locator(".uplot canvas")).to_have_count(3)
    expect(page.locator("[data-chart=durations] .u-legend")).to_contain_text("p95148 ms")
    over = page.locator("[data-chart=rate] .u-over").bounding_box()
    assert over
    page.mouse.move(over["x"] + over["width"] * 0.25, over["y"] + 20)
    page.mouse.down()
    page.mouse.move(over["x"] + over["width"] * 0.75, over["y"] + 30, steps=4)
    expect(page.locator("[data-hold]")).to_have_count(1)
    page.mouse.up()
    page.wait_for_url(re.compile(r"\?from=\d{13}&to=\d{13}$"))
    since, until = (int(part) / 1000 for part in re.findall(r"\d{13}", page.url))
    assert until - since == pytest.approx(300 / 2, abs=30)
    expect(page.locator(".stats dd").first).to_have_text(re.compile(r"^[4-6]$"))


def test_each_percentile_has_its_own_colour(page: Page, shop: Console) -> None:
    page.goto(f"{shop.pages}/services/orders")
    markers = page.locator("[data-chart=durations] .u-series:not(:first-child) .u-marker")
    expect(markers).to_have_count(3)
    assert len(set(markers.evaluate_all("all => all.map(one => one.style.border)"))) == 3


def test_charts_follow_the_theme_and_what_arrives(page: Page) -> None:
    with running() as console:
        console.send("/v1/traces", traces("web", span(trace_id(), span_id(), "GET /", kind=2)))
        page.goto(f"{console.pages}/services/web")
        drawn = page.locator("[data-chart=rate] canvas")
        expect(drawn).to_be_visible()
        before = drawn.evaluate("canvas => canvas.toDataURL()")
        page.locator("#theme").click()
        page.locator("#theme").click()
        assert drawn.evaluate("canvas => canvas.toDataURL()") != before
        console.send("/v1/traces", traces("web", span(trace_id(), span_id(), "GET /late", kind=2)))
        expect(page.locator(".operations")).to_contain_text("GET /late", timeout=6_000)
        expect(page.locator(".uplot canvas")).to_have_count(3)


def test_charts_held_by_a_drag_are_not_drawn_anew_and_leave_no_listeners(page: Page) -> None:
    page.add_init_script(
        """window.added = 0;
        const add = window.addEventListener;
        window.addEventListener = function (name, ...rest) {
          if (name === "mouseup") window.added += 1;
          return add.call(this, name, ...rest);
        };"""
    )
    with running() as console:
        console.send("/v1/traces", traces("web", span(trace_id(), span_id(), "GET /", kind=2)))
        page.goto(f"{console.pages}/services/web")
        over = page.locator("[data-chart=rate] .u-over").element_handle()
        box = page.locator("[data-chart=rate] .u-over").bounding_box()
        assert over is not None
        assert box
        page.mouse.move(box["x"] + 20, box["y"] + 20)
        page.mouse.down()
        console.send("/v1/traces", traces("web", span(trace_id(), span_id(), "GET /", kind=2)))
        expect(page.locator("#foot")).to_contain_text("2 traces")
        assert over.evaluate("over => over.isConnected")
        page.mouse.up()
        added = page.evaluate("window.added")
        page.locator("#theme").click()
        page.locator("#theme").click()
        expect(page.locator(".uplot canvas")).to_have_count(3)
        assert page.evaluate("window.added") == added


def test_a_statement_opens(page: Page, shop: Console) -> None:
    page.goto(f"{shop.pages}/services/orders")
    statement = page.locator(".statements li", has_text="SELECT * FROM orders_product")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".statements summary").first).to_be_focused()
    statement.locator("summary").click()
    expect(statement.locator("pre")).to_be_visible()
    statement.locator("a", has_text="slowest call").click()
    page.wait_for_url(re.compile(r"/trace/\w{32}\?span=\w{16}"))


def test_without_javascript_the_charts_are_the_servers(browser: Browser, shop: Console) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{shop.pages}/services")
    page.locator("th a", has_text="p95").click()
    page.locator("tbody a.cover").first.click()
    page.wait_for_url("**/services/orders*")
    expect(page.locator("[data-chart=rate] path.line")).to_be_visible()
    assert page.locator("[data-chart=durations] path").count() == 3
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
@pytest.mark.parametrize("path", ["/services", "/services/orders"])
def test_the_pages_fit_and_nothing_serious_is_wrong_with_them(
    page: Page, shop: Console, path: str, width: int, scheme: str
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size(ViewportSize(width=width, height=844))
    page.goto(shop.pages + path)
    expect(page.locator("h1")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cells = (
        "Math.max(...[...document.querySelectorAll('td')].map(cell => cell.getBoundingClientRect().right))"
    )
    assert page.evaluate(cells) <= width
    assert faults(page) == []
