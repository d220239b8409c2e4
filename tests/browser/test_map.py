"""The map: drawn in layers, its nodes and edges are links, a panel opens, all themes and widths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.accessibility import faults
from tests.console.order import Order
from tests.console.running import Console, running, span_id, trace_id
from tests.console.telemetry import attributes, span, traces


@pytest.fixture(scope="module")
def shop() -> Iterator[Console]:
    """An order."""
    with running() as console:
        for path, body in Order().requests():
            console.send(path, body)
        yield console


def boxes(page: Page) -> dict[str, tuple[float, float, float, float]]:
    """Left, top, right, bottom of each node by what it is called."""
    found: dict[str, tuple[float, float, float, float]] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("#map .node")].map((node) => {
          const box = node.querySelector(".box").getBoundingClientRect();
          return [node.querySelector("title").textContent, [box.left, box.top, box.right, box.bottom]];
        }))"""
    )
    return found


def test_callers_stand_left_of_what_they_call_and_nothing_overlaps(page: Page, shop: Console) -> None:
    page.goto(f"{shop.pages}/map")
    placed = boxes(page)
    assert len(placed) == 8
    for left, right in (("clients from outside", "orders"), ("orders", "auth"), ("auth", "auth postgresql")):
        assert placed[left][2] < placed[right][0]
    every = list(placed.values())
    for number, one in enumerate(every):
        for other in every[number + 1 :]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


@pytest.mark.parametrize("width", [390, 1440])
def test_each_label_lies_by_its_line_and_no_line_runs_through_one(
    page: Page, shop: Console, width: int
) -> None:
    page.set_viewport_size(ViewportSize(width=width, height=844))
    page.goto(f"{shop.pages}/map")
    apart = page.evaluate(
        """() => [...document.querySelectorAll("#map .edge")].map((edge) => {
          const boxes = [...edge.querySelectorAll("text")].map((text) => text.getBBox());
          const nearest = (way) => Math.min(...Array.from({length: 400}, (_, part) => {
            const point = way.getPointAtLength(way.getTotalLength() * part / 399);
            return Math.min(...boxes.map((box) => Math.hypot(
              Math.max(box.x - point.x, 0, point.x - box.x - box.width),
              Math.max(box.y - point.y, 0, point.y - box.y - box.height))));
          }));
          const ways = [...document.querySelectorAll("#map .way")];
          return [nearest(edge.querySelector(".way")), Math.min(...ways.map(nearest))];
        })"""
    )
    assert len(apart) == 7
    assert max(own for own, _ in apart) < 12
    assert min(of_any for _, of_any in apart) > 1


def test_a_message_is_a_dashed_line_that_tells_how_long_it_waited(page: Page, shop: Console) -> None:
    page.goto(f"{shop.pages}/map")
    queue = page.locator("#map .edge.queue")
    expect(queue).to_contain_text("queued p95 12")
    assert queue.locator(".way").evaluate("way => getComputedStyle(way).strokeDasharray") != "none"
    expect(page.locator("#map .edge.failing")).to_contain_text(["\u00d7 50 %"])


def test_a_node_in_focus_stays_while_traces_arrive(page: Page) -> None:
    with running() as console:
        console.send("/v1/traces", traces("web", span(trace_id(), span_id(), "GET /", kind=2)))
        page.goto(f"{console.pages}/map")
        node = page.locator("#map .node").first
        node.focus()
        console.send("/v1/traces", traces("web", span(trace_id(), span_id(), "GET /", kind=2)))
        expect(page.locator("#foot")).to_contain_text("2 traces")
        expect(node).to_be_focused()


def test_a_node_opens_its_panel_and_escape_closes_it(page: Page, shop: Console) -> None:
    page.goto(f"{shop.pages}/map?range=1h")
    for _ in range(2):
        page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/map?node=orders&range=1h")
    expect(page.locator(".panel h2")).to_have_text("orders")
    expect(page.locator("#map [aria-current]")).to_have_count(1)
    page.keyboard.press("Escape")
    page.wait_for_url("**/map?range=1h")
    expect(page.locator(".panel")).to_have_count(0)


def test_an_edge_leads_to_its_traces(page: Page, shop: Console) -> None:
    page.goto(f"{shop.pages}/map")
    page.get_by_role("link", name=re.compile("orders calls auth")).locator("text").first.click()
    page.wait_for_url("**/traces?service=orders&service=auth")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_the_map_is_drawn_anew_when_a_service_joins(page: Page) -> None:
    with running() as console:
        console.send("/v1/traces", traces("web", span(trace_id(), span_id(), "GET /", kind=2)))
        page.goto(f"{console.pages}/map")
        expect(page.locator("#map .node")).to_have_count(2)
        peer = attributes({"server.address": "pay.example"})
        console.send("/v1/traces", traces("web", span(trace_id(), span_id(), "GET", kind=3, attributes=peer)))
        expect(page.locator("#map .node")).to_have_count(3, timeout=6_000)


def test_cycles_calls_to_oneself_and_hostile_names_are_told(page: Page) -> None:
    name = "<img src=x onerror=alert(1)>"
    page.on("dialog", lambda dialog: pytest.fail(f"a script of the telemetry ran: {dialog.message}"))
    with running() as console:
        for caller, answerer in (("a", name), (name, "a"), ("a", "a"), ("a", "b"), ("b", name)):
            trace, call = trace_id(), span_id()
            where = attributes({"server.address": "h"})
            console.send("/v1/traces", traces(caller, span(trace, call, kind=3, attributes=where)))
            console.send("/v1/traces", traces(answerer, span(trace, span_id(), "GET", call, kind=2)))
        page.goto(f"{console.pages}/map?node={quote(name)}")
        expect(page.locator("#map .edge")).to_have_count(4)
        expect(page.locator("#map")).to_contain_text("calls itself")
        expect(page.locator(".panel h2")).to_have_text(name)
        assert page.locator("main img").count() == 0
        assert all(box[2] > box[0] for box in boxes(page).values())
        assert page.locator("path[d*=NaN], path[d*=undefined]").count() == 0


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
def test_the_map_fits_and_nothing_serious_is_wrong_with_it(
    page: Page, shop: Console, width: int, scheme: str
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size(ViewportSize(width=width, height=844))
    page.goto(f"{shop.pages}/map?node=orders")
    expect(page.locator("#map svg")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cells = (
        "Math.max(...[...document.querySelectorAll('td')].map(cell => cell.getBoundingClientRect().right))"
    )
    assert page.evaluate(cells) <= width
    assert faults(page) == []
