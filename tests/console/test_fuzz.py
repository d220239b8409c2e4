"""Thousands of bodies that nobody should send: none is a fault of the console, and none costs a neighbour.

`FUZZ` is how many; `FUZZ_SEED` repeats a run.
"""

from __future__ import annotations

import http.client
import os
import time
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.benchmarks.console.spent import resident_megabytes
from tests.console import fuzzing
from tests.console.running import Console, running, span_id, trace_id
from tests.console.telemetry import log, logs, span, traces

COUNT = int(os.environ.get("FUZZ", "800"))
SEED = int(os.environ.get("FUZZ_SEED", "20261121"))
EVERY = 50
GROWTH_MEGABYTES = 40
"""What a run may leave behind: SQLite's cache of 64 MB fills during it, so the first third is warm-up."""


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with running() as started:
        yield started


def test_no_body_is_a_fault_and_no_neighbour_is_lost(console: Console) -> None:
    statuses: Counter[int] = Counter()
    neighbours: list[str] = []
    memory: list[float] = []
    parts = urlsplit(console.otlp)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    for number, one in enumerate(fuzzing.bodies(SEED, COUNT)):
        connection.request("POST", one.path, one.body, dict(one.headers))
        answer = connection.getresponse()
        answer.read()
        statuses[answer.status] += 1
        assert answer.status < 500, f"body {number} of seed {SEED}: {answer.status}"
        if number % EVERY == 0:
            neighbours.append(neighbour(console))
            memory.append(resident_megabytes(console.process.pid))
    connection.close()
    assert console.process.stderr == ""
    assert {200, 400, 403, 404, 413, 415, 421} >= set(statuses) >= {200, 400, 415}, statuses
    for trace in neighbours:
        assert len(console.spans(trace)) == 1
        assert len(console.json("/api/logs", trace_id=trace)["logs"]) == 1
    assert memory[-1] - memory[len(memory) // 3] < GROWTH_MEGABYTES, memory
    everything_can_be_looked_at(console)


def neighbour(console: Console) -> str:
    """A sound request in the middle of it all."""
    trace, own = trace_id(), span_id()
    assert console.send("/v1/traces", traces("sound", span(trace, own))) == {}
    assert console.send("/v1/logs", logs("sound", log("sound", traceId=trace, spanId=own))) == {}
    return trace


def everything_can_be_looked_at(console: Console) -> None:
    """What was taken is shown by every page, whatever it holds."""
    found = console.json("/api/v3/traces", **{"query.searchDepth": "60"})["result"]["resourceSpans"]
    ids = {one["traceId"] for group in found for scope in group["scopeSpans"] for one in scope["spans"]}
    paths = [f"/trace/{one}" for one in ids] + [f"/trace/{one}.txt" for one in list(ids)[:10]]
    paths += [
        "/services",
        "/services/fuzz",
        "/map",
        "/traces",
        "/logs",
        "/c/fuzz",
        "/settings",
        "/api/status",
    ]
    for path in paths:
        began = time.monotonic()
        assert console.get(path).status == 200, path
        assert time.monotonic() - began < 5, path
    assert console.process.stderr == ""
