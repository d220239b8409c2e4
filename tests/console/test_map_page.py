"""The map as the server sends it: data to draw, the same as a table, a panel for one node."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

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


def drawing(console: Console, query: str = "") -> Any:
    found = re.findall(
        r'<script id="graph" type="application/json">(.*?)</script>', console.get(f"/map{query}").text
    )
    return json.loads(found[0])


def words(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def test_nodes_and_edges_are_ready_to_be_drawn(shop: Console) -> None:
    data = drawing(shop)
    nodes = {node["id"]: node for node in data["nodes"]}
    assert nodes["orders"]["kind"] == "service"
    assert nodes["orders"]["hue"] >= 0
    assert nodes["notifications"]["errors"] == "100 %"
    assert nodes["client"]["told"].endswith("/s")
    edges = {(edge["from"], edge["to"]): edge for edge in data["edges"]}
    queue = edges["orders", "notifications"]
    assert queue["queue"] is True
    assert re.match(r"queued p95 1[23]\d ms", queue["time"])
    assert edges["orders", "host:pay.example"]["failing"] is True
    assert "\u00d7 50 %" in edges["orders", "host:pay.example"]["label"]
    assert all(0 < edge["weight"] <= 1 for edge in data["edges"])


def test_the_table_has_the_same_edges(shop: Console) -> None:
    text = shop.get("/map").text
    rows = [words(row) for row in re.findall(r"<tr>.*?</tr>", text, re.DOTALL)]
    assert len(rows) == 1 + len(drawing(shop)["edges"])
    assert any(re.match(r"orders notifications redis message 1 .* 1\d\d ms traces", row) for row in rows)
    assert any(row.startswith("clients from outside orders call 1 ") for row in rows)


def test_an_edge_leads_to_the_traces_of_both_its_ends(shop: Console) -> None:
    order = Order().trace_id
    edges = {(edge["from"], edge["to"]): edge["href"] for edge in drawing(shop)["edges"]}
    assert edges["orders", "auth"] == "/traces?service=orders&service=auth"
    for href in edges.values():
        assert order in shop.get(href).text, href


def test_a_node_has_a_panel_with_its_operations_and_neighbours(shop: Console) -> None:
    text = shop.get("/map?node=orders").text
    panel = re.findall(r'<aside class="card panel.*?</aside>', text, re.DOTALL)[0]
    assert "Top operations Operation Per second p95 POST api/orders/" in words(panel)
    assert "Called by Caller Per second clients" in words(panel)
    assert 'href="/traces?service=orders&amp;operation=POST+api%2Forders%2F"' in panel
    assert 'href="/services/orders"' in panel
    assert "database, postgresql" in words(shop.get("/map?node=db%3Apostgresql%20auth").text)
    assert "took no part in anything" in shop.get("/map?node=nobody").text


def test_links_on_the_map_keep_the_range(shop: Console) -> None:
    data = drawing(shop, "?range=15m")
    assert all(part["href"].endswith("&range=15m") for part in (*data["nodes"], *data["edges"]))
    assert "data-every" in shop.get("/map?range=15m").text
    assert "Nothing was called in this range" in shop.get("/map?to=1000").text


def test_what_calls_itself_says_so_in_its_box_and_has_no_line_of_its_own() -> None:
    trace, served, asked, answered = trace_id(), span_id(), span_id(), span_id()
    call = attributes({"http.request.method": "GET", "server.address": "shop"})
    with running() as console:
        console.send(
            "/v1/traces",
            traces(
                "shop",
                span(trace, served, "GET /", kind=2),
                span(trace, asked, "GET", served, kind=3, attributes=call),
                span(trace, answered, "GET /self", asked, kind=2),
            ),
        )
        data = drawing(console)
        rows = [words(row) for row in re.findall(r"<tr>.*?</tr>", console.get("/map").text, re.DOTALL)]
    [shop] = [node for node in data["nodes"] if node["id"] == "shop"]
    assert re.fullmatch(r"calls itself [\d.]+/s", shop["detail"])
    assert [(edge["from"], edge["to"]) for edge in data["edges"]] == [("client", "shop")]
    assert any(row.startswith("shop shop call 1 ") for row in rows)
    assert any("not known by caller: all together" in row for row in rows)
