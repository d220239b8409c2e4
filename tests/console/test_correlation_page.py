"""The page of a correlation ID: steps of several traces in one picture, how it ended, where the time went."""

from __future__ import annotations

import re
import time

import pytest

from tests.console.business import CONSUMER, SERVER, Business
from tests.console.correlation_page import page, steps
from tests.console.running import Console, span_id, trace_id
from tests.console.telemetry import attributes, log, logs, span, traces


@pytest.fixture(scope="module")
def business(console: Console) -> Business:
    told = Business(71)
    told.send(console)
    return told


def test_every_step_of_all_traces_is_listed_in_time_order(console: Console, business: Business) -> None:
    found = steps(page(console, business.id))
    assert [row[:3] for row in found] == [
        ["0", "shop", "request POST checkout/"],
        ["+30.0 ms", "pay.example", "call POST /intents"],
        ["+150 ms", "shop", "publish stock.reserve"],
        ["+42.0 s", "payments", "request POST webhooks/paid/"],
        ["+42.1 s", "billing", "task billing.invoice attempt 1 of 3"],
        ["+50.1 s", "billing", "task billing.invoice attempt 2 of 3"],
        ["+58.1 s", "billing", "task billing.invoice attempt 3 of 3"],
        ["+58.1 s", "billing", "mail smtp send"],
    ]
    assert found[0][4:] == ["180 ms", "1 · 12.0 ms", "201"]
    assert found[4][3:] == [
        "68.0 ms",
        "50.0 ms",
        "",
        "retried Retry in 8s: OperationalError('connection refused')",
    ]
    assert found[5][3] == "7.91 s 30.0 ms"
    assert found[6][6] == "done"


def test_the_verdict_waits_for_what_no_consumer_took(console: Console) -> None:
    told = Business(72)
    told.send(console)
    text = page(console, told.id)
    assert "reserve has not been taken up yet" in text
    assert "no consumer seen yet" in text
    told.take_up()
    told.send(console)
    text = page(console, told.id)
    assert "Completed after 2 retries" in text
    assert "no consumer seen yet" not in text
    assert ["+400 ms", "stock", "task stock.reserve", "248 ms"] in [row[:4] for row in steps(text)]


def test_a_task_that_failed_for_good_is_the_verdict(console: Console) -> None:
    mine, trace = f"failed-{span_id()}", trace_id()
    attrs = attributes({"correlation_id": mine, "celery.task_name": "pay.out", "celery.state": "FAILURE"})
    failed = span(
        trace,
        span_id(),
        "run/pay.out",
        kind=CONSUMER,
        attributes=attrs,
        status={"code": 2, "message": "no money"},
    )
    console.send("/v1/traces", traces("bank", failed))
    text = page(console, mine)
    assert "out failed in bank" in text
    assert '<p class="because">no money</p>' in text


def test_the_time_is_split_into_work_queue_retries_and_silence(console: Console, business: Business) -> None:
    text = page(console, business.id)
    shares = dict(reversed(one) for one in re.findall(r"<b>([\d.]+ m?s)</b> (.+?)</li>", text))
    assert shares == {
        "working": "400 ms",
        "in a queue while nothing ran (of 128 ms)": "110 ms",
        "until the next try": "15.8 s",
        "between steps": "41.8 s",
    }
    assert "58.2 s" in text


def test_long_silences_are_left_out_of_the_picture_and_named(console: Console, business: Business) -> None:
    text = page(console, business.id)
    assert re.findall(r'class="silent"[^>]*>([^<]+)<', text) == ["41.8 s", "7.94 s", "7.95 s"]
    assert re.findall(r'class="silence">([^<]+)<', text) == ["41.8 s later", "7.94 s later", "7.95 s later"]
    bars = [float(x) for x in re.findall(r'class="(?:body|solid)" x="([\d.]+)%"', text)]
    assert len(bars) == 8
    assert all(0 <= x <= 100 for x in bars)


def test_the_story_is_there_as_text_to_paste(console: Console, business: Business) -> None:
    text = page(console, business.id)
    pasted = text[text.index('data-copy="Correlation ID') :].partition('"')[2].partition('" hidden')[0]
    lines = pasted.splitlines()
    assert lines[0] == f"Correlation ID {business.id}"
    assert "58.2 s in all: reserve has not been taken up yet" in lines[1]
    assert "+42.1 s  ↻ billing      billing.invoice #1 retried 50.0 ms, queued 68.0 ms: Retry in 8s" in pasted


def test_log_lines_are_all_there_in_order_and_can_be_narrowed(console: Console, business: Business) -> None:
    def messages(query: str) -> list[str]:
        return re.findall(r'<span class="msg">(.*?)</span>', page(console, business.id, query))

    late = ["ledger cannot be reached", "ledger cannot be reached"]
    assert messages("") == ["payment intent created", *late, "invoice mailed to ada@example.org"]
    assert messages("?level=warning") == late
    assert messages("?service=shop") == ["payment intent created"]
    assert console.get(f"/c/{business.id}?level=loud").status == 400


def test_a_part_of_it_can_be_looked_at(console: Console, business: Business) -> None:
    text = page(console, business.id, "?zoom=50000000-59000000")
    assert [row[0] for row in steps(text)] == ["+50.1 s", "+58.1 s", "+58.1 s"]
    assert "reserve has not been taken up yet" in text  # the verdict is that of the whole
    assert re.findall(r'<span class="msg">(.*?)</span>', text)[0] == "ledger cannot be reached"
    assert page(console, business.id, "?zoom=1000000-2000000").count('class="msg"') == 0
    for wrong in ("5", "9-5", "a-b", "-1-5"):
        assert console.get(f"/c/{business.id}?zoom={wrong}").status == 400


def test_lines_without_trace_and_lines_without_the_id_belong_to_it(console: Console) -> None:
    mine, trace = f"loose-{span_id()}", trace_id()
    attrs = attributes({"correlation_id": mine})
    console.send("/v1/traces", traces("shop", span(trace, span_id(), "GET /", kind=SERVER, attributes=attrs)))
    console.send("/v1/logs", logs("shop", log("with neither trace nor span", attributes=attrs)))
    console.send("/v1/logs", logs("legacy", log("a library's line", traceId=trace)))
    other = attributes({"correlation_id": "somebody-else"})
    console.send("/v1/logs", logs("shop", log("another action's", traceId=trace, attributes=other)))
    text = page(console, mine)
    assert "with neither trace nor span" in text
    assert "a library" in text
    assert "another action" not in text


def test_log_lines_alone_have_a_page_too(console: Console) -> None:
    mine = f"lines-{span_id()}"
    console.send(
        "/v1/logs", logs("cron", log("nothing to do", attributes=attributes({"correlation_id": mine})))
    )
    text = page(console, mine)
    assert "nothing to do" in text
    assert 'class="steps"' not in text
    assert "log lines only" in text


def test_more_lines_than_a_page_holds_are_a_link_away(console: Console) -> None:
    mine, now = f"many-{span_id()}", time.time_ns()
    attrs = attributes({"correlation_id": mine})
    many = [log(f"line {number}", attributes=attrs, timeUnixNano=str(now + number)) for number in range(350)]
    console.send("/v1/logs", logs("chatty", *many))
    first = page(console, mine)
    assert first.count('class="msg"') == 300
    assert "?from_line=300" in first
    second = page(console, mine, "?from_line=300")
    assert re.findall(r'class="msg">(line \d+)', second) == [f"line {number}" for number in range(300, 350)]


def test_five_thousand_spans_are_shown_in_part_and_soon(console: Console) -> None:
    mine, trace, now = f"huge-{span_id()}", trace_id(), time.time_ns()
    attrs = attributes({"correlation_id": mine})
    for batch in range(10):
        many = [
            span(
                trace, span_id(), f"GET /{number}", kind=SERVER, attributes=attrs,
                startTimeUnixNano=str(now + number * 10**6),
                endTimeUnixNano=str(now + number * 10**6 + 500_000),
            )
            for number in range(batch * 500, batch * 500 + 500)
        ]  # fmt: skip
        console.send("/v1/traces", traces("busy", *many))
    began = time.monotonic()
    text = page(console, mine)
    assert time.monotonic() - began < 2.5
    assert "4,700 further steps are not drawn" in text
    assert "4,800 more steps are not listed" in text
    assert len(text) < 500_000
