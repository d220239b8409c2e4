"""One trace in a real browser: where bars lie, the pane, keys, zooming by drag, no JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, FloatRect, Locator, Page, expect

from tests.browser.accessibility import faults
from tests.browser.looptrace import loop
from tests.console.order import Order
from tests.console.running import Console, span_id, trace_id
from tests.console.telemetry import attributes, log, logs, span, traces

__all__ = ["loop"]


def row(page: Page, text: str) -> Locator:
    return page.locator("#rows tr", has_text=text).first


def box(found: Locator) -> FloatRect:
    bounds = found.bounding_box()
    assert bounds
    return bounds


def test_bars_lie_where_their_times_are(page: Page, console: Console, order: Order) -> None:
    page.goto(f"{console.pages}/trace/{order.trace_id}")
    rows = page.locator("#rows > tr:not(.gap)")
    expect(rows).to_have_count(15 + 8)
    tops = page.evaluate(
        "[...document.querySelectorAll('#rows tr')].map(row => row.getBoundingClientRect().top)"
    )
    assert tops == sorted(tops)
    lane, bar = box(page.locator("#rows .lane").first), box(page.locator("#rows .b").first)
    assert bar["x"] == pytest.approx(lane["x"], abs=2)
    assert bar["width"] == pytest.approx(lane["width"] * 148 / 338, rel=0.02)
    consumed = page.locator("#rows tr", has=page.locator("rect.q"))
    wait, run = box(consumed.locator(".q")), box(consumed.locator(".b"))
    assert wait["x"] + wait["width"] == pytest.approx(run["x"], abs=2)
    line = box(page.locator(".rule line").nth(1))
    assert line["x"] == pytest.approx(lane["x"] + lane["width"] * 100 / 338, abs=2), "100 ms"


def test_a_row_opens_the_pane_and_the_address_says_so(page: Page, console: Console, order: Order) -> None:
    page.goto(f"{console.pages}/trace/{order.trace_id}")
    expect(page.locator("#pane")).to_be_hidden()
    row(page, "run/order_created").scroll_into_view_if_needed()
    run = box(row(page, "run/order_created").locator(".lane"))
    page.mouse.click(run["x"] + 5, run["y"] + 5)
    expect(page.locator("#pane .raised")).to_contain_text("/srv/notifications/mail.py:42 in send")
    expect(row(page, "run/order_created")).to_have_attribute("aria-current", "true")
    assert "?span=" in page.url
    expect(page.locator("#pane .stack details pre")).to_be_hidden()
    page.locator("#pane .stack summary").click()
    expect(page.locator("#pane .stack details pre")).to_contain_text("smtplib.py")
    page.reload()
    expect(page.locator("#pane .raised")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#pane")).to_be_hidden()
    assert "span=" not in page.url


def test_dragging_over_the_map_zooms(page: Page, console: Console, order: Order) -> None:
    page.goto(f"{console.pages}/trace/{order.trace_id}")
    within = box(page.locator(".map"))
    page.mouse.move(within["x"] + within["width"] * 0.75, within["y"] + 20)
    page.mouse.down()
    page.mouse.move(within["x"] + within["width"] * 0.5, within["y"] + 20, steps=4)
    expect(page.locator(".map .chosen")).to_be_visible()
    page.mouse.up()
    expect(page.locator("#unzoom")).to_be_visible()
    first, last = (int(one) for one in page.url.partition("zoom=")[2].split("-"))
    assert first == pytest.approx(169_000, abs=1_500)
    assert last == pytest.approx(253_500, abs=1_500)
    page.locator("#unzoom").click()
    expect(page.locator("#unzoom")).to_be_hidden()


def test_repeated_queries_fold_and_open(page: Page, console: Console, loop: str) -> None:
    page.goto(f"{console.pages}/trace/{loop}")
    fold = page.locator("#rows .fold")
    expect(fold).to_contain_text("\u00d737 SELECT product")
    expect(fold.locator(".b")).to_have_count(37)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("l")
    expect(page.locator("#rows .span", has_text="SELECT product")).to_have_count(37)
    expect(page.locator("#rows .fold .row")).to_be_focused()
    page.keyboard.press("h")
    expect(page.locator("#rows .span")).to_have_count(1)
    page.locator(".tabs a", has_text="SQL").click()
    expect(page.locator("#rows tr")).to_have_count(1)
    expect(page.locator("#rows .times")).to_have_text("\u00d737")
    page.locator("#rows .row").click()
    expect(page.locator("#rows .span[aria-current]")).to_be_in_viewport()
    expect(page.locator("#pane h2")).to_have_text("SELECT product")


def test_the_next_error_comes_into_view(page: Page, console: Console, order: Order) -> None:
    page.goto(f"{console.pages}/trace/{order.trace_id}")
    for name in ("POST", "run/order_created"):
        page.locator(".errors a", has_text="Next").click()
        expect(page.locator("#pane h2")).to_have_text(name)
        expect(page.locator("#rows [aria-current]")).to_be_in_viewport()


def test_a_log_line_opens_beside_the_list(page: Page, console: Console, order: Order) -> None:
    page.goto(f"{console.pages}/trace/{order.trace_id}?tab=logs")
    page.keyboard.press("e")
    page.keyboard.press("Enter")
    expect(page.locator("#pane .message")).to_have_text("mail could not be sent, the task is retried")
    page.locator("#pane .acts a", has_text="Its span").click()
    expect(page.locator("#pane h2")).to_have_text("run/order_created")


def test_what_arrives_late_appears_and_the_selected_stays(page: Page, console: Console) -> None:
    trace, root, late = trace_id(), span_id(), span_id()
    console.send("/v1/traces", traces("live", span(trace, root, "first")))
    page.goto(f"{console.pages}/trace/{trace}?span={root}")
    expect(page.locator("#pane h2")).to_have_text("first")
    console.send("/v1/traces", traces("live", span(trace, late, "second", root)))
    expect(page.locator("#rows tr.span")).to_have_count(2, timeout=6_000)
    expect(page.locator("#pane h2")).to_have_text("first")


def test_all_of_it_works_without_javascript(browser: Browser, console: Console, order: Order) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{console.pages}/trace/{order.trace_id}")
    page.locator("#rows .caret").nth(1).click()
    expect(page.locator("#rows tr", has_text="api/users/<int:pk>/")).to_have_count(0)
    row(page, "run/order_created").locator(".row").click()
    expect(page.locator("#pane .raised")).to_be_visible()
    page.locator("#zoom").click()
    expect(page.locator("#unzoom")).to_be_visible()
    page.locator("#within").fill("ada@")
    page.locator("#within").press("Enter")
    expect(page.locator("#rows .hit")).to_have_count(4)
    expect(page.locator("#pane .raised")).to_be_visible()
    page.locator(".choice a", has_text="warnings").click()
    expect(page.locator("#rows .log")).to_have_count(2)
    page.locator("#pane .shut").click()
    expect(page.locator("#pane")).to_be_hidden()
    page.locator(".errors a", has_text="Next").click()
    expect(page.locator("#pane h2")).to_have_text("POST")
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1440, "dark")])
def test_it_fits_and_is_accessible(
    browser: Browser, console: Console, order: Order, *, loop: str, scheme: str, width: int
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,
    )
    page = context.new_page()
    run = next(one for one in order.spans["notifications"] if one["name"].startswith("run/"))
    for query in (f"?span={run['spanId']}&q=ada", "?tab=logs", "?tab=sql", "?tab=json"):
        page.goto(f"{console.pages}/trace/{order.trace_id}{query}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, query
        assert not faults(page), query
    page.goto(f"{console.pages}/trace/{loop}")
    assert not faults(page)
    context.close()


def test_hostile_telemetry_runs_nothing_when_everything_is_opened(page: Page, console: Console) -> None:
    trace, root = trace_id(), span_id()
    page.on("dialog", lambda dialog: pytest.fail(f"a script of the telemetry ran: {dialog.message}"))
    for payload in (
        "<img src=x onerror=alert(1)>",
        "<script>alert(1)</script>",
        "\"' onmouseover=alert(1) x='",
    ):
        hostile = attributes({payload: payload, "db.system": payload, "db.query.text": payload})
        fields = {"kind": 3, "attributes": hostile, "status": {"code": 2, "message": payload}}
        console.send("/v1/traces", traces(payload, span(trace, span_id(), payload, root, **fields)))
        console.send("/v1/logs", logs(payload, log(payload, traceId=trace, attributes=hostile)))
    page.goto(f"{console.pages}/trace/{trace}")
    names = page.locator("#rows .row")
    for number in range(names.count()):
        names.nth(number).click()
        expect(page.locator("#pane .shut")).to_be_visible()
        current = names.nth(number).locator("xpath=ancestor::tr")
        expect(current).to_have_attribute("aria-current", "true")
        page.keyboard.press("Escape")
    assert page.locator("main img, main script").count() == 0
