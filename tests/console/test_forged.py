"""What another site, or a program without a page's token, may not do on the pages' port; and its bounds."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
from django.urls import URLPattern

from django_observe.console import page_urls
from tests.console.running import Console, request, running, span_id, trace_id
from tests.console.telemetry import log, logs, span, traces
from tests.processes import wait_until

VALUES = {"str": "1" * 32, "path": "some/path", "int": "1"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def addresses() -> list[str]:
    """Every address of the pages' port, with something in each place."""
    found = []
    for pattern in page_urls.urlpatterns:
        assert isinstance(pattern, URLPattern)
        parts = str(pattern.pattern).replace("<", "\0").replace(">", "\0").split("\0")
        filled = [VALUES[part.partition(":")[0]] if number % 2 else part for number, part in enumerate(parts)]
        found.append("/" + "".join(filled))
    return found


@pytest.mark.parametrize("path", addresses())
def test_no_address_takes_a_post_without_the_token_of_a_page(console: Console, path: str) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        for headers in (
            FORM,
            {**FORM, "Sec-Fetch-Site": "cross-site"},
            {**FORM, "Origin": "http://localhost:1"},
        ):
            answer = request(method, console.pages + path, b"pinned=1&confirmation=clear", headers)
            assert answer.status == 403, (method, path)


@pytest.mark.parametrize("path", addresses())
def test_no_address_is_read_by_another_site(console: Console, path: str) -> None:
    for mode in ("cors", "no-cors"):
        cross = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode}
        assert request("GET", console.pages + path, headers=cross).status == 403
    assert request("GET", console.pages + path, headers={"Host": "evil.example"}).status == 421


def test_looking_changes_nothing() -> None:
    with running() as console:
        console.send("/v1/traces", traces("kept", span(trace_id(), span_id())))
        before = console.json("/api/status")["stored"]
        for path in addresses():
            if path != "/events":
                assert console.get(path).status in (200, 302, 400, 404, 405), path
        assert console.json("/api/status")["stored"] == before == {"traces": 1, "spans": 1, "logs": 0}


def test_no_answer_has_more_rows_than_the_bound() -> None:
    with running() as console:
        for _ in range(3):
            console.send("/v1/logs", logs("many", *(log(f"line {number}") for number in range(200))))
            console.send("/v1/traces", traces("many", *(span(trace_id(), span_id()) for _ in range(200))))
        assert len(console.json("/api/logs", limit="999999")["logs"]) == 500
        assert len(console.json("/api/tail", lines="999999")["logs"]) == 500
        assert len(console.json("/api/tail", after="0")["logs"]) == 500
        found = console.json("/api/v3/traces", **{"query.searchDepth": "999999"})["result"]["resourceSpans"]
        assert len(found) == 500


def test_connections_are_bounded_and_given_back() -> None:
    with running() as console, ExitStack() as held:
        parts = urlsplit(console.pages)
        address = (parts.hostname or "", parts.port or 0)
        for _ in range(64):
            held.enter_context(socket.create_connection(address, timeout=5))
        wait_until(lambda: console.get("/api/status").status == 503, "all places to be taken")
        assert console.send("/v1/traces", {}) == {}, "the other port goes on"
        held.close()
        wait_until(lambda: console.get("/api/status").status == 200, "the places to be free")


def test_the_console_does_not_watch_itself() -> None:
    with running() as watching:
        env = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": watching.otlp,
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
        }
        with running("--memory", env=env) as watched:
            assert watched.get("/traces").status == 200
            assert watched.send("/v1/traces", {}) == {}
            assert watched.process.stop() == 0
        assert watching.json("/api/status")["accepted"] == {}


def test_a_kept_connection_is_no_way_around_the_checks(console: Console) -> None:
    parts = urlsplit(console.otlp)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    for host, status in (("localhost", 200), ("evil.example", 421), ("localhost", 200)):
        connection.request("POST", "/v1/traces", b"{}", {"Host": host, "Content-Type": "application/json"})
        answer = connection.getresponse()
        assert (answer.status, bool(answer.read())) == (status, True)
    connection.close()
    assert json.loads(console.post("/v1/traces", b"{}").body) == {}
