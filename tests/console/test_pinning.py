"""Pinned traces outlive every limit; pins are given by a form of the trace's page only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from django_observe.console import limits, pins
from django_observe.console.intake import Intake
from django_observe.console.limits import Retention
from django_observe.console.store import Store
from django_observe.console.writer import Writer
from tests.console.running import Console, request, running, span_id, trace_id
from tests.console.telemetry import span, traces
from tests.processes import wait_until

PIN = "/trace/{}/pin"


@pytest.fixture(scope="module")
def small() -> Iterator[Console]:
    with running("--memory", "--max-spans", "20") as console:
        yield console


def store(console: Console, count: int = 1) -> str:
    trace = trace_id()
    console.send("/v1/traces", traces("pinned", *(span(trace, span_id()) for _ in range(count))))
    return trace


def is_there(console: Console, trace: str) -> bool:
    return bool(console.spans(trace))


def test_a_pinned_trace_stays_while_others_go(small: Console) -> None:
    kept, lost = store(small), store(small)
    assert small.submit(f"/trace/{kept}", PIN.format(kept), pinned="1").status == 303
    for _ in range(3):
        store(small, 15)
    wait_until(lambda: not is_there(small, lost), "the eviction of the other")
    assert is_there(small, kept)
    assert small.submit(f"/trace/{kept}", PIN.format(kept), pinned="0").status == 303
    store(small, 20)
    wait_until(lambda: not is_there(small, kept), "the eviction of what is no longer pinned")


def test_a_pin_needs_the_token_of_a_page_and_a_post(small: Console) -> None:
    trace = store(small)
    path = PIN.format(trace)
    assert small.get(path).status == 405
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert request("POST", small.pages + path, b"pinned=1", form).status == 403
    forged = {**form, "Cookie": "observe_csrf=" + "a" * 32}
    body = b"pinned=1&csrfmiddlewaretoken=" + b"b" * 32
    assert request("POST", small.pages + path, body, forged).status == 403
    elsewhere = small.submit("/settings", path, {"Origin": "http://localhost:3000"}, pinned="1")
    assert elsewhere.status == 403
    assert small.submit("/settings", path, {"Sec-Fetch-Site": "cross-site"}, pinned="1").status == 403
    assert small.submit("/settings", path, pinned="perhaps").status == 400
    assert small.submit("/settings", PIN.format("0" * 32), pinned="1").status == 409


def test_pins_leave_room_for_what_comes() -> None:
    with running("--memory", "--max-spans", "20") as console:
        first, second = store(console, 8), store(console, 8)
        assert console.submit(f"/trace/{first}", PIN.format(first), pinned="1").status == 303
        refused = console.submit(f"/trace/{second}", PIN.format(second), pinned="1")
        assert refused.status == 409
        assert "half" in refused.text
        later = store(console, 8)
        wait_until(lambda: not is_there(console, second), "the eviction of the oldest")
        assert is_there(console, later)


def test_the_fifty_first_pin_is_refused(tmp_path: Path) -> None:
    file = Store(tmp_path / "console.db")
    ids = [number.to_bytes(16, "big") for number in range(1, limits.PINNED_TRACES + 2)]
    file.connection.executemany("INSERT INTO trace(trace_id) VALUES(?)", [(one,) for one in ids])
    for one in ids:
        pins.pin(file.connection, one, Retention())
    assert pins.all_pinned(file.connection) == set(ids[:-1])
    pins.unpin(file.connection, ids[0])
    pins.pin(file.connection, ids[-1], Retention())
    assert pins.is_pinned(file.connection, ids[-1])
    file.close()


def test_more_pinned_than_the_limit_neither_spins_nor_keeps_the_rest(tmp_path: Path) -> None:
    file, intake = Store(tmp_path / "console.db"), Intake()
    now = time.time_ns()
    for number in range(1, 4):
        key = number.to_bytes(16, "big")
        file.connection.execute("INSERT INTO trace(trace_id, listed_ns) VALUES(?, ?)", (key, now + number))
        file.connection.execute("INSERT INTO span(trace_id, span_id, service) VALUES(?, ?, 's')", (key, key))
    pins.pin(file.connection, (1).to_bytes(16, "big"), Retention())
    pins.pin(file.connection, (2).to_bytes(16, "big"), Retention())
    writer = Writer(file, intake, Retention(spans=1))
    writer.perform(lambda connection: connection.execute("DELETE FROM meta WHERE k='none'"))
    wait_until(lambda: intake.dropped() == {"evicted_spans": 1}, "the one that is not pinned to go")
    writing = writer._thread.ident
    assert writing is not None
    clock = time.pthread_getcpuclockid(writing)
    before = time.clock_gettime(clock)
    time.sleep(0.5)  # nothing to wait for: that nothing goes on is the point
    assert time.clock_gettime(clock) - before < 0.1
    assert intake.dropped() == {"evicted_spans": 1}
    writer.close(5)
    file.close()
