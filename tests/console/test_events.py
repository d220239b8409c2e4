"""The event stream: what it says, from where it resumes, how many may hold one, how it ends."""

from __future__ import annotations

import http.client
import json
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.console.running import Console, running, span_id, trace_id
from tests.console.telemetry import log, logs, span, traces
from tests.processes import wait_until


class Stream:
    """An open `/events`."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.answer = answer

    def message(self) -> tuple[str, Any]:
        """The next message: its id and its data. Comments are skipped."""
        fields: dict[str, str] = {}
        while line := self.answer.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            fields[name] = value
        return (fields["id"], json.loads(fields["data"])) if "data" in fields else self.message()


@contextmanager
def stream(console: Console, **headers: str) -> Iterator[Stream]:
    parts = urlsplit(console.pages)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    connection.request("GET", "/events", headers={"Accept-Encoding": "gzip", **headers})
    answer = connection.getresponse()
    try:
        assert answer.status == 200, answer.read()
        yield Stream(answer)
    finally:
        answer.close()
        connection.close()


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with running() as started:
        yield started


def test_a_stream_tells_where_it_is_and_then_what_changed(console: Console) -> None:
    trace, other = trace_id(), trace_id()
    with stream(console) as opened:
        assert opened.answer.headers["Content-Type"] == "text/event-stream"
        assert opened.answer.headers["Cache-Control"] == "no-store"
        cursor, first = opened.message()
        assert (first["traces"], cursor) == ([], "{span}-{log}".format(**first["cursor"]))
        console.send("/v1/traces", traces("news", span(trace, span_id())))
        _, second = opened.message()
        assert (second["traces"], second["more"]) == ([trace], False)
        assert second["cursor"]["span"] == first["cursor"]["span"] + 1
        console.send("/v1/logs", logs("news", log("line", traceId=other), log("alone")))
        _, third = opened.message()
        assert (third["traces"], third["cursor"]["log"]) == ([other], first["cursor"]["log"] + 2)


def test_who_was_away_for_long_is_told_that_the_traces_named_are_not_all() -> None:
    with running() as console:
        small, large = trace_id(), trace_id()
        console.send("/v1/traces", traces("early", span(small, span_id())))
        for _ in range(6):
            console.send("/v1/traces", traces("busy", *(span(large, span_id()) for _ in range(1000))))
        with stream(console, **{"Last-Event-ID": "0-0"}) as opened:
            _, told = opened.message()
        assert (told["traces"], told["more"]) == ([large], True)


def test_a_stream_resumes_where_the_last_one_broke_off(console: Console) -> None:
    with stream(console) as opened:
        cursor, _ = opened.message()
    missed = trace_id()
    console.send("/v1/traces", traces("news", span(missed, span_id())))
    with stream(console, **{"Last-Event-ID": cursor}) as opened:
        assert opened.message()[1]["traces"] == [missed]
    with stream(console, **{"Last-Event-ID": "1; DROP TABLE span"}) as opened:
        assert opened.message()[1]["traces"] == []


def test_a_burst_is_told_in_at_most_four_messages_a_second(console: Console) -> None:
    with stream(console) as opened:
        opened.message()
        began, sent = time.monotonic(), []
        while time.monotonic() - began < 1:
            sent += [trace_id() for _ in range(10)]
            console.send("/v1/traces", traces("burst", *(span(one, span_id()) for one in sent[-10:])))
        told: set[str] = set()
        messages = 0
        while not set(sent) <= told:
            _, message = opened.message()
            assert len(message["traces"]) <= 50
            told |= set(message["traces"]) | (set(sent) if message["more"] else set())
            messages += 1
        assert messages <= 4 * (time.monotonic() - began) + 2


def test_seventeen_is_one_too_many_and_a_place_is_freed_by_hanging_up(console: Console) -> None:
    wait_until(lambda: console.json("/api/status")["streams"] == 0, "the end of earlier streams")
    with ExitStack() as held:
        for _ in range(16):
            held.enter_context(stream(console))
        refused = console.get("/events")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "30")
        assert console.get("/traces").status == 200
        # a terminal that follows gets no place either: it is answered at once
        began = time.monotonic()
        cursor = console.json("/api/tail")["cursor"]
        assert console.json("/api/tail", after=str(cursor), wait="20")["logs"] == []
        assert time.monotonic() - began < 5
    wait_until(lambda: console.json("/api/status")["streams"] == 0, "the places of those who hung up")


def test_only_this_site_may_listen(console: Console) -> None:
    assert console.get("/events", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}).status == 403
    assert console.get("/events", {"Host": "evil.example"}).status == 421


def test_an_open_stream_does_not_hold_up_the_end() -> None:
    with running() as console, stream(console) as opened:
        opened.message()
        began = time.monotonic()
        console.process.popen.send_signal(signal.SIGTERM)
        assert opened.answer.read() == b""
        assert console.process.popen.wait(10) == 0
        assert time.monotonic() - began < 5
        assert console.process.stderr == ""
