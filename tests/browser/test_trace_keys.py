"""A trace by keyboard alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.looptrace import loop
from tests.console.order import Order
from tests.console.running import Console, span_id, trace_id
from tests.console.telemetry import span, traces

__all__ = ["loop"]

FOCUSED = (
    "(document.activeElement.closest('tr')?.querySelector('.op, .msg') ?? document.activeElement).textContent"
)


def row(page: Page, text: str) -> Locator:
    return page.locator("#rows tr", has_text=text).first


def test_keys_move_close_open_and_jump(page: Page, console: Console, order: Order) -> None:
    page.goto(f"{console.pages}/trace/{order.trace_id}")
    page.keyboard.press("j")
    assert page.evaluate(FOCUSED) == "POST api/orders/"
    page.keyboard.press("ArrowDown")
    assert page.evaluate(FOCUSED) == "token verified with key 2026-11"
    page.keyboard.press("h")
    assert page.evaluate(FOCUSED) == "POST api/orders/", "from a line without anything below up to its parent"
    page.keyboard.press("h")
    expect(row(page, "token verified")).to_be_hidden()
    assert "shut=" in page.url
    page.reload()
    expect(page.locator("#rows tr")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("l")
    expect(row(page, "token verified")).to_be_visible()
    expect(page.locator("#rows .row").first).to_be_focused()
    for expected in ("POST", "run/order_created", "smtp send", "mail could not be sent, the task is retried"):
        page.keyboard.press("e")
        assert page.evaluate(FOCUSED) == expected
    page.keyboard.press("E")
    assert page.evaluate(FOCUSED) == "smtp send"
    page.keyboard.press("Enter")
    expect(page.locator("#pane h2")).to_have_text("smtp send")
    page.keyboard.press("k")
    expect(page.locator("#pane h2")).to_have_text("SELECT notifications_template")


def test_keys_search_zoom_and_filter(page: Page, console: Console, order: Order) -> None:
    page.goto(f"{console.pages}/trace/{order.trace_id}")
    page.keyboard.press("/")
    page.keyboard.type("ada@")
    page.keyboard.press("Enter")
    expect(page.locator("#rows .hit")).to_have_count(4)
    page.keyboard.press("n")
    assert page.evaluate(FOCUSED) == "run/order_created"
    page.keyboard.press("z")
    expect(page.locator("#unzoom")).to_be_visible()
    first, last = (int(one) for one in page.url.partition("zoom=")[2].split("-"))
    assert (first, last) == pytest.approx((262_000, 338_000), abs=50)
    expect(page.locator("#rows .hit")).to_have_count(4)
    page.keyboard.press("Escape")
    expect(page.locator("#unzoom")).to_be_hidden()
    expect(page.locator("#rows .p").first).to_be_visible()
    page.keyboard.press("c")
    expect(page.locator("#rows .p").first).to_be_hidden()
    page.keyboard.press("L")
    expect(page.locator("#rows .log")).to_have_count(2)
    page.keyboard.press("L")
    expect(page.locator("#rows .log")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.locator("#key-sheet")).to_contain_text("next error")


def test_the_list_that_one_came_from_is_walked(page: Page, console: Console, order: Order, loop: str) -> None:
    page.goto(f"{console.pages}/trace/{order.trace_id}")
    page.evaluate(f"sessionStorage.setItem('observe.traces', JSON.stringify(['{loop}', '{order.trace_id}']))")
    page.keyboard.press("[")
    page.wait_for_url(f"**/trace/{loop}")
    page.keyboard.press("]")
    page.wait_for_url(f"**/trace/{order.trace_id}")


def test_keys_go_on_where_the_lines_end(page: Page, console: Console) -> None:
    trace, root = trace_id(), span_id()
    below = [span(trace, span_id(), f"step {number}", root) for number in range(2_001)]
    console.send("/v1/traces", traces("long", span(trace, root, "all of it"), *below))
    page.goto(f"{console.pages}/trace/{trace}")
    expect(page.locator(".more")).to_contain_text("1 to 2,000 of 2,002")
    page.keyboard.press("k")
    assert page.evaluate(FOCUSED) == "step 1998"
    page.keyboard.press("j")
    expect(page.locator("#rows tr")).to_have_count(2)
    assert "page=2" in page.url
    page.keyboard.press("j")
    assert page.evaluate(FOCUSED) == "step 1999"
