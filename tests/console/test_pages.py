"""The pages as the server sends them; what a browser makes of them is in tests/browser."""

from __future__ import annotations

import gzip
import html
import os
import re
import time
from pathlib import Path
from urllib.parse import quote

from tests.console.order import Order
from tests.console.running import Console, running, span_id, trace_id
from tests.console.telemetry import attributes, log, logs, span, traces


def lines(console: Console, trace: str) -> list[str]:
    """Operations and messages of the waterfall, top to bottom."""
    text = console.get(f"/trace/{trace}").text
    return re.findall(r'<span class="(?:op"[^>]*|msg)"?>(.*?)</span>', text)


def test_home_is_the_trace_list(console: Console) -> None:
    answer = console.get("/")
    assert (answer.status, answer.headers["Location"]) == (302, "/traces")


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


def test_the_waterfall_has_log_lines_in_place(console: Console, order: Order) -> None:
    found = lines(console, order.trace_id)
    assert found[:5] == [
        "POST api/orders/",
        "token verified with key 2026-11",
        "SELECT orders_product",
        "GET",
        "GET api/users/&lt;int:pk&gt;/",
    ]
    assert found.index("payment API answered 503, attempt 1 of 3, next in 14 ms") == found.index("POST") + 1
    assert found.index("mail could not be sent, the task is retried") == found.index("smtp send") + 1
    assert len(found) == 15 + 8


def test_a_trace_shows_stack_queue_wait_and_where_calls_went(console: Console, order: Order) -> None:
    text = console.get(f"/trace/{order.trace_id}").text
    assert "smtp.sendmail(SENDER, [recipient], message)" in text
    assert "queued 121 ms" in text
    assert "https://pay.example/charges" in text
    assert 'class="wait"' in text


def test_spans_may_arrive_in_any_order_and_late(console: Console) -> None:
    trace, root, child = trace_id(), span_id(), span_id()
    console.send("/v1/logs", logs("late", log("first of all", traceId=trace, spanId=child)))
    assert f"/trace/{trace}" not in console.get("/traces?service=late").text
    console.send("/v1/traces", traces("late", span(trace, child, "child", root)))
    assert ">partial</span>" in console.get("/traces?service=late").text
    assert lines(console, trace) == [f"Span {root} has not arrived", "child", "first of all"]
    console.send("/v1/traces", traces("late", span(trace, root, "root")))
    assert lines(console, trace) == ["root", "child", "first of all"]
    listed = console.get("/traces?service=late").text
    assert ">root<" in listed
    assert ">partial</span>" not in listed


def test_a_cycle_is_shown_and_harms_nobody(console: Console) -> None:
    trace, one, other = trace_id(), span_id(), span_id()
    console.send("/v1/traces", traces("cycle", span(trace, one, "a", other), span(trace, other, "b", one)))
    assert sorted(lines(console, trace)) == ["a", "b"]


def test_logs_page_filters_and_links_to_the_trace(console: Console, order: Order) -> None:
    text = console.get(f"/logs?correlation_id={order.correlation_id}&level=warning").text
    assert text.count('class="line log') == 2
    assert f'href="/trace/{order.trace_id}#log-' in text
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


def test_an_unknown_trace_is_404_with_a_reason(console: Console, order: Order) -> None:
    answer = console.get(f"/trace/{trace_id()}")
    assert answer.status == 404
    assert "has not arrived, or was evicted" in answer.text


def test_a_live_page_costs_nothing_while_nothing_arrives(console: Console, order: Order) -> None:
    etag = console.get("/traces").headers["ETag"]
    assert console.get("/traces", {"If-None-Match": etag}).status == 304
    console.send("/v1/logs", logs("new", log("something")))
    assert console.get("/traces", {"If-None-Match": etag}).status == 200


def test_a_trace_of_2000_spans_is_quick_and_opens_one_span_at_a_time(console: Console) -> None:
    trace, root = trace_id(), span_id()
    children = [span(trace, span_id(), f"query {number}", root) for number in range(1_999)]
    console.send("/v1/traces", traces("large", span(trace, root, "root"), *children))
    console.get(f"/trace/{trace}")
    began = time.monotonic()
    answer = console.get(f"/trace/{trace}")
    elapsed = time.monotonic() - began
    assert elapsed < 1.5, "aim: 0.3 s on a quiet machine"
    assert answer.text.count('class="line span') == 2_000
    assert "<details" not in answer.text
    opened = console.get(f"/trace/{trace}?span={root}").text
    assert opened.count("<details open") == 1


def processor_seconds(console: Console) -> float:
    """What the console has used so far."""
    fields = Path(f"/proc/{console.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_trace_of_2000_spans_is_small_on_the_wire_and_cheap_to_make() -> None:
    with running() as console:
        trace, root, start = trace_id(), span_id(), time.time_ns()
        spans = [span(trace, root, "POST api/orders/", kind=2)]
        for number in range(1_999):
            at = start + number * 517_003
            attrs = attributes({"db.system": "postgresql", "db.statement": f"SELECT {number * 7}"})
            times = {"startTimeUnixNano": str(at), "endTimeUnixNano": str(at + number * 1_009)}
            spans.append(span(trace, span_id(), "SELECT", root, kind=3, attributes=attrs, **times))
        console.send("/v1/traces", traces("orders", *spans))
        used = []
        for _ in range(5):
            before = processor_seconds(console)
            answer = console.get(f"/trace/{trace}", {"Accept-Encoding": "gzip, br"})
            used.append(processor_seconds(console) - before)
        assert (answer.status, answer.headers["Content-Encoding"]) == (200, "gzip")
        assert len(answer.body) < 150_000
        page = gzip.decompress(answer.body).decode()
        assert page.count('class="line span') == 2_000
        assert min(used) < 0.3


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
