"""Records whose clock is wrong: kept with their own time, found and listed by when they came."""

from __future__ import annotations

import time

import pytest

from tests.console.running import Console, span_id, trace_id
from tests.console.telemetry import log, logs, span, traces

DAY_NS = 24 * 3600 * 10**9


@pytest.mark.parametrize("off", [-3 * DAY_NS, 3 * DAY_NS])
def test_what_is_days_off_is_listed_by_its_receipt(console: Console, off: int) -> None:
    trace, at = trace_id(), str(time.time_ns() + off)
    odd = span(trace, span_id(), "astray", startTimeUnixNano=at, endTimeUnixNano=at)
    console.send("/v1/traces", traces("clocks", odd))
    console.send("/v1/logs", logs("clocks", log("astray", traceId=trace, timeUnixNano=at)))
    assert trace in console.get("/traces?range=5m&service=clocks").text
    assert trace in console.get("/logs?range=5m&service=clocks").text
    assert console.spans(trace)[0]["startTimeUnixNano"] == at


def test_a_span_that_ends_before_it_starts_took_no_time(console: Console) -> None:
    trace, now = trace_id(), time.time_ns()
    odd = span(trace, span_id(), startTimeUnixNano=str(now), endTimeUnixNano=str(now - 10**9))
    console.send("/v1/traces", traces("clocks", odd))
    (found,) = console.spans(trace)
    assert found["startTimeUnixNano"] == found["endTimeUnixNano"] == str(now)
    assert console.get(f"/trace/{trace}").status == 200
