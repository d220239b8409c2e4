"""Eviction: the oldest whole traces go, with their log lines, and do not come back in parts."""

from __future__ import annotations

import time
from typing import Any

from tests.console.running import Console, running, span_id, trace_id
from tests.console.telemetry import attributes, log, logs, span, traces
from tests.processes import wait_until


def stored(console: Console) -> dict[str, int]:
    counts: dict[str, int] = console.json("/api/status")["stored"]
    return counts


def deliver(console: Console, count: int, size: int = 5, **fields: Any) -> list[str]:
    """`count` traces of `size` spans and one log line each, oldest first."""
    ids = [trace_id() for _ in range(count)]
    start = time.time_ns() - count * 10**9
    for age, one in enumerate(ids):
        at = str(start + age * 10**9)
        spans = [
            span(one, span_id(), startTimeUnixNano=at, endTimeUnixNano=at, **fields) for _ in range(size)
        ]
        console.send(
            "/v1/logs", logs("many", log(f"word{age}word of the story", traceId=one, timeUnixNano=at))
        )
        console.send("/v1/traces", traces("many", *spans))
    return ids


def test_too_many_spans_evict_the_oldest_whole_traces() -> None:
    with running("--memory", "--max-spans", "50") as console:
        ids = deliver(console, 30)
        wait_until(lambda: stored(console)["spans"] <= 50, "eviction")
        kept = [len(console.spans(one)) for one in ids]
        assert kept == [0] * 20 + [5] * 10
        assert stored(console) == {"traces": 10, "spans": 50, "logs": 10}
        assert console.json("/api/logs", q="word0word")["logs"] == []
        assert len(console.json("/api/logs", q="word29word")["logs"]) == 1
        dropped = console.json("/api/status")["dropped"]
        assert (dropped["evicted_spans"], dropped["evicted_logs"]) == (100, 20)
        late = ids[0]
        console.send("/v1/traces", traces("many", span(late, span_id())))
        assert console.spans(late) == [], "a part of an evicted trace came back"
        assert console.json("/api/status")["dropped"]["late_for_evicted_trace"] == 1


def test_too_many_log_lines_evict_the_oldest_lines_and_traces_by_time() -> None:
    with running("--memory", "--max-logs", "20") as console:
        start = time.time_ns() - 60 * 10**9
        for number in range(0, 40, 4):
            lines = [
                log(f"line{number + more}", timeUnixNano=str(start + (number + more) * 10**9))
                for more in range(4)
            ]
            console.send("/v1/logs", logs("lines", *lines))
        wait_until(lambda: stored(console)["logs"] <= 20, "eviction")
        kept = [one["message"] for one in console.json("/api/logs")["logs"]]
        assert kept == [f"line{number}" for number in range(39, 19, -1)]
        assert console.json("/api/logs", q="line12")["logs"] == []


def test_age_evicts_what_is_older_than_allowed() -> None:
    with running("--memory", "--max-hours", "0.01") as console:
        now = time.time_ns()
        old, young = trace_id(), trace_id()
        for one, at in ((old, now - 60 * 10**9), (young, now)):
            console.send("/v1/traces", traces("age", span(one, span_id(), startTimeUnixNano=str(at))))
            console.send("/v1/logs", logs("age", log("alone", timeUnixNano=str(at))))
        wait_until(lambda: not console.spans(old), "the old trace to go")
        wait_until(lambda: stored(console)["logs"] == 1, "the old line to go")
        assert len(console.spans(young)) == 1


def test_size_is_kept_below_the_limit_and_given_back() -> None:
    with running("--memory", "--max-megabytes", "2") as console:
        ids = deliver(console, 40, attributes=attributes({"bulk": "x" * 15_000}))
        wait_until(lambda: console.json("/api/status")["bytes"] <= 2 * 1024 * 1024, "eviction")
        assert not console.spans(ids[0])
        assert len(console.spans(ids[-1])) == 5
        counts = [len(console.spans(one)) for one in ids]
        assert set(counts) == {0, 5}, "a trace was evicted in part"


def test_a_trace_that_is_too_large_says_how_much_is_not_kept() -> None:
    with running() as console:
        one = trace_id()
        for _ in range(5):
            console.send("/v1/traces", traces("huge", *(span(one, span_id()) for _ in range(2_020))))
        assert stored(console)["spans"] == 10_000
        page = console.get(f"/trace/{one}").text
        assert "Spans not kept" in page
        assert ">100<" in page
        assert console.json("/api/status")["dropped"]["trace_too_large"] == 100
