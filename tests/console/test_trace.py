"""The trace page as the server sends it; what a browser makes of it is in tests/browser/test_trace.py."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from tests.console.order import Order
from tests.console.running import Console, running, span_id, trace_id
from tests.console.telemetry import log, logs, span, traces
from tests.console.tracepage import child, lines, rows


def query(trace: str, parent: str, at: float, number: int, **fields: Any) -> dict[str, Any]:
    attrs = {"db.system": "postgresql", "db.query.text": f"SELECT name FROM product WHERE id = {number}"}  # noqa: S608
    return child(trace, parent, "SELECT product", at, 2, kind=3, attrs=attrs, **fields)


def test_log_lines_are_in_place(console: Console, order: Order) -> None:
    found = lines(console.get(f"/trace/{order.trace_id}").text)
    assert found[:5] == [
        "POST api/orders/",
        "token verified with key 2026-11",
        "SELECT orders_product",
        "GET",
        "GET api/users/<int:pk>/",
    ]
    assert found.index("payment API answered 503, attempt 1 of 3, next in 14 ms") == found.index("POST") + 1
    assert found.index("mail could not be sent, the task is retried") == found.index("smtp send") + 1
    assert len(found) == 15 + 8


def test_queue_wait_gaps_and_where_the_time_went(console: Console, order: Order) -> None:
    text = console.get(f"/trace/{order.trace_id}").text
    assert "queued 121 ms" in text
    (wait,) = re.findall(r'<rect class="q" x="([\d.]+)%" width="([\d.]+)%"/>', text)
    assert [float(one) for one in wait] == pytest.approx([100 * 141 / 338, 100 * 121 / 338], abs=0.02)
    assert "https://pay.example/charges" in text
    assert [line for _, classes, line in rows(text) if classes.startswith("gap")] == ["uninstrumented"] * 4
    assert re.search(r"queued for <b>notifications</b> <span class=\"faint\">121 ms · 36 %", text)


def test_log_lines_can_be_left_out(console: Console, order: Order) -> None:
    def levels(query: str) -> list[str]:
        return re.findall(r'lv-([A-Z]+)"', console.get(f"/trace/{order.trace_id}?{query}").text)

    assert len(levels("")) == 8
    assert levels("logs=warn") == ["WARNING", "ERROR"]
    assert levels("logs=none") == []
    assert len(levels("logs=nonsense")) == 8


def test_a_span_opens_in_the_pane_with_its_trace_back(console: Console, order: Order) -> None:
    run = next(one for one in order.spans["notifications"] if one["name"].startswith("run/"))
    for path in (
        f"/trace/{order.trace_id}?span={run['spanId']}",
        f"/trace/{order.trace_id}?span={run['spanId']}&part=pane",
    ):
        text = console.get(path).text
        assert "In your code: <b>/srv/notifications/mail.py:42 in send</b>" in text
        assert "smtp.sendmail(SENDER, [recipient], message)" in text
        assert "1 frame of Python&#x27;s own" in text
        assert "/traces?where=celery.task_name%3Dorder_created" in text
    assert "<table" not in text, "the part alone is small"
    assert "hidden>" in console.get(f"/trace/{order.trace_id}?part=pane&span=ffffffffffffffff").text


def test_a_log_line_opens_in_the_pane(console: Console, order: Order) -> None:
    text = console.get(f"/trace/{order.trace_id}").text
    number = next(one[0] for one in rows(text) if one[2].startswith("mail could not"))
    pane = console.get(f"/trace/{order.trace_id}?log={number.removeprefix('log-')}&part=pane").text
    assert "SMTPRecipientsRefused" in pane
    assert "mail could not be sent, the task is retried" in pane
    assert ">Its span</a>" in pane


def test_repeated_queries_are_one_line_that_opens(console: Console) -> None:
    trace, root = trace_id(), span_id()
    queries = [query(trace, root, 5 + number * 5, number) for number in range(37)]
    console.send(
        "/v1/traces", traces("shop", child(trace, "", "GET products/", 0, 200, id=root, kind=2), *queries)
    )
    text = console.get(f"/trace/{trace}").text
    assert '<b class="times">\u00d737</b> <span class="op">SELECT product</span>' in text
    assert lines(text) == ["GET products/", "SELECT product"]
    (opener,) = re.findall(r'href="(\?open=\w+)#f-', text)
    assert len(lines(console.get(f"/trace/{trace}{opener}").text)) == 2 + 37
    inside = console.get(f"/trace/{trace}?span={queries[20]['spanId']}").text
    assert f'<tr id="s-{queries[20]["spanId"]}"' in inside, "what is selected is not hidden in a fold"


def test_closing_a_span_hides_what_is_below(console: Console, order: Order) -> None:
    top = order.spans["orders"][0]["spanId"]
    text = console.get(f"/trace/{order.trace_id}?shut={top}").text
    assert lines(text) == ["POST api/orders/"]
    assert "14 below" in text
    assert f"?shut={top}&amp;span={top}" in text, "links keep the state"


def test_a_search_marks_what_it_found(console: Console, order: Order) -> None:
    text = console.get(f"/trace/{order.trace_id}?q=ADA%40example").text
    hits = [line for _, classes, line in rows(text) if " hit" in classes]
    assert hits == [
        "run/order_created",
        "order 1001 received, writing to ada@example.org",
        "smtp send",
        "mail could not be sent, the task is retried",
    ]
    assert "4 found" in text


def test_a_zoomed_view_tells_times_from_the_start(console: Console, order: Order) -> None:
    text = console.get(f"/trace/{order.trace_id}?zoom=100000-200000").text
    ticks = re.findall(r"<text[^>]*>([^<]*)</text>", text)
    assert ticks == ["100 ms", "120 ms", "140 ms", "160 ms", "180 ms"]
    assert 'id="unzoom"' in text
    for nonsense in ("9-5", "a-b", "1-", f"{10**14}-{10**15 - 1}"):
        assert console.get(f"/trace/{order.trace_id}?zoom={nonsense}").status == 200


def test_a_task_in_a_trace_of_its_own_is_shown_under_what_sent_it(console: Console) -> None:
    trace, other, root, sent, run = trace_id(), trace_id(), span_id(), span_id(), span_id()
    console.send(
        "/v1/traces",
        traces(
            "shop",
            child(trace, "", "POST orders/", 0, 50, id=root, kind=2),
            child(trace, root, "send report", 20, 5, id=sent, kind=4),
        ),
    )
    link = [{"traceId": trace, "spanId": sent}]
    console.send(
        "/v1/traces", traces("worker", child(other, "", "run report", 900, 80, id=run, kind=5, links=link))
    )
    text = console.get(f"/trace/{trace}").text
    assert lines(text) == ["POST orders/", "send report", "run report"]
    assert f'href="/trace/{other}?span={run}"' in text
    assert "+900 ms →" in text
    assert f'href="/trace/{trace}?span={sent}#s-{sent}"' in console.get(f"/trace/{other}?span={run}").text


def test_next_and_previous_error_are_links(console: Console, order: Order) -> None:
    seen: list[str] = []
    address = f"/trace/{order.trace_id}"
    while len(seen) < 10:
        text = console.get(address).text
        following = re.search(r'<a href="([^"]*)" title="Next error', text)
        if following is None:
            break
        address = f"/trace/{order.trace_id}{html.unescape(following[1]).partition('#')[0]}"
        seen.append(re.findall(r'<tr id="([^"]*)"[^>]*aria-current', console.get(address).text)[0])
    names = {identity: line for identity, _, line in rows(console.get(address).text)}
    assert [names[identity] for identity in seen] == [
        "POST",
        "run/order_created",
        "smtp send",
        "mail could not be sent, the task is retried",
    ]


def test_the_other_tabs(console: Console, order: Order) -> None:
    text = console.get(f"/trace/{order.trace_id}?tab=logs").text
    assert text.count('class="lv-') == 8
    assert "+333 ms" in text
    text = console.get(f"/trace/{order.trace_id}?tab=logs&q=mailbox").text
    assert re.findall(r'<tr id="log-\d+" class="lv-(\w+)"', text) == ["ERROR"]
    text = console.get(f"/trace/{order.trace_id}?tab=sql").text
    assert (
        re.findall(r"#s-\w+\"><code>([^<]+)</code></a>", text)[0] == "SELECT * FROM auth_user WHERE id = %s"
    )
    text = console.get(f"/trace/{order.trace_id}?tab=json").text
    body = re.search(r'<pre class="card json"[^>]*>(.*?)</pre>', text, re.DOTALL)
    assert body
    assert len(json.loads(html.unescape(body[1]))["resourceSpans"]) == 3


def test_spans_may_arrive_in_any_order_and_late(console: Console) -> None:
    trace, root, late = trace_id(), span_id(), span_id()
    console.send("/v1/logs", logs("late", log("first of all", traceId=trace, spanId=late)))
    assert f"/trace/{trace}" not in console.get("/traces?service=late").text
    assert lines(console.get(f"/trace/{trace}").text) == [
        "Log lines whose span has not arrived",
        "first of all",
    ]
    console.send("/v1/traces", traces("late", span(trace, late, "child", root)))
    assert ">partial</span>" in console.get("/traces?service=late").text
    text = console.get(f"/trace/{trace}").text
    assert lines(text) == [f"Span {root} has not arrived", "child", "first of all"]
    assert ">partial</span>" in text
    console.send("/v1/traces", traces("late", span(trace, root, "root")))
    assert lines(console.get(f"/trace/{trace}").text) == ["root", "child", "first of all"]


def test_a_cycle_is_shown_and_harms_nobody(console: Console) -> None:
    trace, one, other = trace_id(), span_id(), span_id()
    console.send("/v1/traces", traces("cycle", span(trace, one, "a", other), span(trace, other, "b", one)))
    assert sorted(lines(console.get(f"/trace/{trace}").text)) == ["a", "b"]


def test_what_is_read_again_unchanged_is_the_same(console: Console) -> None:
    trace = trace_id()
    console.send("/v1/traces", traces("shop", span(trace, span_id(), "GET /")))
    first, second = (console.get(f"/trace/{trace}").text for _ in range(2))
    (one, *_), (other, *_) = (text.partition('id="content"')[2].split("<footer") for text in (first, second))
    assert one == other


def test_an_unknown_trace_is_404_with_a_reason(console: Console, order: Order) -> None:
    answer = console.get(f"/trace/{trace_id()}")
    assert answer.status == 404
    assert "has not arrived, or was evicted" in answer.text


def test_the_trace_can_be_opened_in_jaeger() -> None:
    with running("--memory", env={"DJANGO_OBSERVE_JAEGER_UI": "http://127.0.0.1:16686/"}) as console:
        trace = trace_id()
        console.send("/v1/traces", traces("shop", span(trace, span_id())))
        assert f'href="http://127.0.0.1:16686/trace/{trace}"' in console.get(f"/trace/{trace}").text
