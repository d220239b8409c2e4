"""What is read from the newest spans: examples and statements."""

from __future__ import annotations

import time

import pytest

from django_observe.console import recent_spans, service_detail, window
from django_observe.console.timerange import EVERYTHING
from tests.console.bench import Bench
from tests.console.running import span_id, trace_id
from tests.console.telemetry import at, attributes, span, traces

SERVER, CLIENT = 2, 3
SECOND = 10**9


def test_the_slowest_and_the_latest_failure_of_each_operation(bench: Bench) -> None:
    now = time.time_ns()
    for number, (took, status) in enumerate([(5, 0), (90, 0), (7, 2), (9, 2), (8, 0)]):
        one = span(
            f"{number + 1:032x}",
            f"{number + 1:016x}",
            "GET a",
            kind=SERVER,
            status={"code": status},
            **at(now + number * SECOND // 10, took * 10**6),
        )
        bench.send(traces("s", one))
    with bench.store.reading() as connection:
        shown = window.of(connection, EVERYTHING)
        slowest, failed = recent_spans.examples(connection, shown, "s")
        assert recent_spans.examples(connection, shown, "other") == ({}, {})
    assert slowest == {("GET a", SERVER): (f"{2:032x}", f"{2:016x}", 90 * 10**6)}
    assert failed == {("GET a", SERVER): (f"{4:032x}", f"{4:016x}", 9 * 10**6)}


def test_only_the_newest_spans_are_read(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_spans, "SPANS", 2)
    monkeypatch.setattr(recent_spans, "STATEMENT_SPANS", 3)
    now = time.time_ns() - 5 * SECOND
    for number, took in enumerate([900, 5, 7]):
        sent = attributes({"db.system": "postgresql", "db.query.text": f"SELECT {number}"})
        when = at(now + number * SECOND, took * 10**6)
        query = span(trace_id(), span_id(), "SELECT", kind=CLIENT, attributes=sent, **when)
        when = at(now + number * SECOND + 1, took * 10**6)
        bench.send(traces("s", query, span(trace_id(), span_id(), "GET a", kind=SERVER, **when)))
    with bench.store.reading() as connection:
        shown = window.of(connection, EVERYTHING)
        slowest, _ = recent_spans.examples(connection, shown, "s")
        (found,) = recent_spans.statements(connection, shown, "s")
        requests = recent_spans.requests_read(connection, shown, "s")
    assert slowest["GET a", SERVER].dur_ns == 7 * 10**6
    assert (found.calls, found.total_ns, requests) == (1, 7 * 10**6, 2)


def test_statements_are_told_apart_without_their_values_and_sorted_by_their_time(bench: Bench) -> None:
    trace, root = trace_id(), span_id()
    spans = [span(trace, root, "GET a", kind=SERVER)]
    for number in range(12):
        slow = number % 3 == 0
        text = f"DELETE FROM {'slow' if slow else 'fast'} WHERE id = {number}"  # noqa: S608
        sent = attributes({"db.system": "postgresql", "db.query.text": text})
        took = 50 * 10**6 if slow else 10**6
        spans.append(
            span(trace, span_id(), "SELECT", root, kind=CLIENT, attributes=sent, **at(time.time_ns(), took))
        )
    spans.append(
        span(trace, span_id(), "GET", root, kind=CLIENT, attributes=attributes({"server.address": "h"}))
    )
    bench.send(traces("s", *spans))
    with bench.store.reading() as connection:
        shown = window.of(connection, EVERYTHING)
        found = recent_spans.statements(connection, shown, "s")
        requests = recent_spans.requests_read(connection, shown, "s")
    rows = service_detail.statements(found, requests)
    assert [(row.text, row.calls, row.per_request) for row in rows] == [
        ("DELETE FROM slow WHERE id = ?", 4, "4.00"),
        ("DELETE FROM fast WHERE id = ?", 8, "8.00"),
    ]
    assert (rows[0].total, rows[0].share) == ("200 ms", 96.2)
