"""Traces and logs in a browser: dragging a time range, keys, what is remembered for the trace page."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.console.running import Console, running, span_id, trace_id
from tests.console.telemetry import attributes, log, logs, span, traces

MINUTE = 60 * 10**9


@pytest.fixture(scope="module")
def spread() -> Iterator[Console]:
    """Twenty traces with a log line each, one a minute."""
    with running() as console:
        now = time.time_ns()
        for number in range(20):
            at = now - number * MINUTE
            mine, times = trace_id(), {"startTimeUnixNano": str(at), "endTimeUnixNano": str(at + 10**7)}
            attrs = attributes({"correlation_id": f"action-{number:04d}"})
            console.send(
                "/v1/traces", traces("shop", span(mine, span_id(), f"op{number}", attributes=attrs, **times))
            )
            line = log(f"line {number}", traceId=mine, attributes=attrs, timeUnixNano=str(at))
            console.send("/v1/logs", logs("shop", line))
        yield console


def drag(page: Page, picture: str, start: float, end: float) -> None:
    plot = page.locator(f"{picture} .plot").bounding_box()
    assert plot
    y = plot["y"] + plot["height"] / 3
    page.mouse.move(plot["x"] + plot["width"] * start, y)
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] * end, y, steps=4)
    page.mouse.up()


def test_a_drag_over_the_traces_chooses_their_time_range(page: Page, spread: Console) -> None:
    page.goto(f"{spread.pages}/traces")
    expect(page.locator("tbody tr")).to_have_count(20)
    drag(page, "#scatter", 0.5, 1.0)
    page.wait_for_url("**/traces?from=*&to=*")
    expect(page.locator("tbody tr")).to_have_count(10)
    expect(page.locator("tbody tr").last).to_contain_text("op9")


def test_a_drag_over_the_levels_chooses_their_time_range(page: Page, spread: Console) -> None:
    page.goto(f"{spread.pages}/logs?q=line")
    drag(page, "#volume", 0.0, 0.49)
    page.wait_for_url("**/logs?q=line&from=*&to=*")
    expect(page.locator(".loglines > li")).to_have_count(10)


def test_a_short_move_is_a_click_on_the_dot(page: Page, spread: Console) -> None:
    page.goto(f"{spread.pages}/traces")
    dot = page.locator("#scatter circle").nth(3).bounding_box()
    assert dot
    page.mouse.click(dot["x"] + 3, dot["y"] + 3)
    page.wait_for_url("**/trace/*")


def test_the_order_is_remembered_for_the_trace_page(page: Page, spread: Console) -> None:
    page.goto(f"{spread.pages}/traces?q=op1")
    shown = page.locator("tr[data-row]").evaluate_all("rows => rows.map(row => row.dataset.row)")
    assert len(shown) == 11
    assert json.loads(page.evaluate("sessionStorage.getItem('observe.traces')")) == shown


def test_an_attribute_becomes_a_chip_and_a_second_one_joins_it(page: Page, spread: Console) -> None:
    page.goto(f"{spread.pages}/traces")
    for text in ("service.name=shop", "correlation_id=action-0004"):
        page.get_by_label("Attribute").fill(text)
        page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_count(2)
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator(".chip", has_text="action-0004").click()
    expect(page.locator("tbody tr")).to_have_count(20)


def test_keys_of_the_logs_wrap_and_lead_on(page: Page, spread: Console) -> None:
    page.goto(f"{spread.pages}/logs")
    page.keyboard.press("w")
    expect(page.locator("#content")).to_have_class("wrapped")
    assert page.url.endswith("?wrap=1")
    page.keyboard.press("x")
    page.wait_for_url("**attributes=1**")
    page.keyboard.press("j")
    page.keyboard.press("c")
    page.wait_for_url("**/c/action-0000")
