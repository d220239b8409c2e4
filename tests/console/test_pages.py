"""The pages as the server sends them; what a browser makes of them is in tests/browser."""

from __future__ import annotations

import gzip
import html
import re
import time
from urllib.parse import quote

from tests.console.order import Order
from tests.console.running import Console, running, span_id, trace_id
from tests.console.telemetry import log, logs, span, traces


def test_home_is_the_services(console: Console) -> None:
    answer = console.get("/")
    assert (answer.status, answer.headers["Location"]) == (302, "/services")


def test_before_anything_arrives_the_pages_tell_where_to_send() -> None:
    with running() as console:
        for path in ("/traces", "/logs"):
            text = console.get(path).text
            assert f"OTEL_EXPORTER_OTLP_ENDPOINT={console.otlp}" in text
            assert "Nothing has arrived yet" in text
        console.post("/v1/traces", b"x", {"Content-Type": "application/grpc"})
        assert "set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" in console.get("/traces").text


def test_the_trace_list_links_each_trace_and_its_correlation_id(console: Console, order: Order) -> None:
    text = console.get(f"/traces?correlation_id={order.correlation_id}").text
    assert f'href="/trace/{order.trace_id}"' in text
    assert f'href="/c/{order.correlation_id}"' in text
    assert "POST api/orders/" in text
    assert "3 errors" in text


def test_every_filter_of_the_trace_list(console: Console, order: Order) -> None:
    link = f'href="/trace/{order.trace_id}"'
    for query in ("service=auth", "status=error", "q=api%2Forders", "min_ms=300"):
        assert link in console.get(f"/traces?{query}&correlation_id={order.correlation_id}").text
    for query in ("service=none", "q=unheard", "min_ms=400"):
        text = console.get(f"/traces?{query}&correlation_id={order.correlation_id}").text
        assert link not in text
        assert "No trace matches these 2 filters" in text
    assert console.get("/traces?min_ms=slow").status == 400


def test_older_traces_are_on_the_next_page(console: Console) -> None:
    start = time.time_ns() - 3600 * 10**9
    for number in range(60):
        at = str(start + number * 10**9)
        console.send(
            "/v1/traces", traces("paged", span(trace_id(), span_id(), f"op{number}", startTimeUnixNano=at))
        )
    first = console.get("/traces?service=paged").text
    assert re.findall(r">op(\d+)<", first) == [str(number) for number in range(59, 9, -1)]
    (more,) = re.findall(r'class="button" href="(\?[^"]+)"', first)
    second = console.get(f"/traces{more.replace('&amp;', '&')}").text
    assert re.findall(r">op(\d+)<", second) == [str(number) for number in range(9, -1, -1)]


def test_logs_page_filters_and_links_to_the_trace(console: Console, order: Order) -> None:
    text = console.get(f"/logs?correlation_id={order.correlation_id}&level=warning").text
    assert text.count('class="line log') == 2
    assert f'href="/trace/{order.trace_id}?log=' in text
    assert "No log line matches" in console.get("/logs?q=unheardof").text
    assert console.get("/logs?level=loud").status == 400


def test_a_correlation_id_has_a_page_with_its_traces_and_lines_in_order(
    console: Console, order: Order
) -> None:
    text = console.get(f"/c/{order.correlation_id}").text
    assert f'href="/trace/{order.trace_id}"' in text
    messages = re.findall(r'<span class="msg">(.*?)(?: <span|</span>)', text)
    assert messages[0] == "token verified with key 2026-11"
    assert messages[-1] == "task order_created"
    assert len(messages) == 8
    assert "Nothing carries this ID" in console.get("/c/unknown-id").text


def test_the_search_box_recognises_what_is_pasted(console: Console, order: Order) -> None:
    targets = {
        order.trace_id.upper(): f"/trace/{order.trace_id}",
        order.correlation_id: f"/c/{order.correlation_id}",
        "mailbox busy": "/logs?q=mailbox+busy",
    }
    for text, target in targets.items():
        answer = console.get(f"/search?q={text.replace(' ', '+')}")
        assert (answer.status, answer.headers["Location"]) == (302, target)


def test_a_live_page_costs_nothing_while_nothing_arrives(console: Console, order: Order) -> None:
    etag = console.get("/traces").headers["ETag"]
    assert console.get("/traces", {"If-None-Match": etag}).status == 304
    console.send("/v1/logs", logs("new", log("something")))
    assert console.get("/traces", {"If-None-Match": etag}).status == 200


def test_pages_are_compressed_for_those_who_ask_and_still_live(console: Console, order: Order) -> None:
    asked = {"Accept-Encoding": "gzip"}
    answer = console.get("/traces", asked)
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert b"<h1>Traces</h1>" in gzip.decompress(answer.body)
    again = console.get("/traces", {**asked, "If-None-Match": answer.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    plain = console.get("/traces")
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["ETag"] == answer.headers["ETag"]
    assert html.escape(answer.headers["ETag"]) in plain.text, "what live.js asks with"


def test_without_log_lines_the_pages_say_how_services_send_them() -> None:
    with running() as console:
        one = trace_id()
        console.send("/v1/traces", traces("lonely", span(one, span_id(), name="GET api/orders/")))
        assert "OTEL_LOGS_EXPORTER=otlp" in console.get("/logs").text
        assert "OTEL_LOGS_EXPORTER=otlp" in console.get(f"/trace/{one}").text
        for typed in ("GET /api/orders", "/api/orders", "get api/orders"):
            assert one in console.get(f"/traces?q={quote(typed)}").text
