"""Channels under daphne: WebSockets of every kind of consumer, and HTTP past them and through them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.collector import Collector
from tests.conformance.exchanges import expect_once
from tests.conformance.rows import Row, row
from tests.conformance.services import Server, Servers, environment, start_server
from tests.conformance.telemetry import Line

GROUP = "consumers/{}/"
KINDS = {"async": "AsyncWebsocketConsumer", "sync": "WebsocketConsumer"}
KINDS |= {"async-json": "AsyncJsonWebsocketConsumer", "json": "JsonWebsocketConsumer"}
HTTP = {
    "sync view": ("django/sync/", "view"),
    "async view": ("django/async/", "view"),
    "AsyncHttpConsumer": ("consumers/http/", "handle"),
}
LIFE = ("connect", "receive", "disconnect")


@contextmanager
def connected(row: Row, server: Server, consumer: str) -> Iterator[ClientConnection]:
    """A WebSocket to a consumer, under the row's ID and trace; closed at the end of the block."""
    url = f"ws{server.url.removeprefix('http')}/{GROUP.format(consumer)}?key={row.key}"
    with connect(url, additional_headers=row.headers, close_timeout=5) as client:
        yield client


def expect_places(row: Row, server: Server, *places: str) -> None:
    """The three promises at every place; the span there is of that very message."""
    for place in places:
        seen = server.witness(row, place)
        row.expect_id(seen)
        path = row.expect_trace(seen)
        with row.aspect("also"):
            expected = {"group": "row.told"}.get(place, f"websocket.{place}")
            assert [span.name.split()[0] for span in path[:1]] == [expected]


def expect_line(row: Row, server: Server, event: str = "websocket", **fields: Any) -> Line:
    """One line of the connection and no other; what it says."""
    line: Line = {}
    with row.aspect("also"):
        [line] = server.lines.wait(event=event, correlation_id=row.identifier)
        assert fields.items() <= line.items(), line
        assert line["trace_id"] == row.trace_id
        assert row.spans.get(line["span_id"]).parent_id == row.parent_id
    return line


@row("elsewhere", "Channels, {consumer}: connect, receive, disconnect", column="server")
@pytest.mark.parametrize("server", ["daphne"])
@pytest.mark.parametrize("consumer", KINDS.values())
def test_consumer(row: Row, servers: Servers, server: str, consumer: str) -> None:
    name = next(name for name, kind in KINDS.items() if kind == consumer)
    with connected(row, servers[server], name) as client:
        client.send('"hello"')
        assert client.recv(5) == '"hello"'
    expect_places(row, servers[server], *LIFE)
    row.expect_clean(servers[server])
    expect_line(
        row,
        servers[server],
        route=GROUP.format(name),
        status=101,
        close_code=1000,
        messages_received=1,
        messages_sent=1,
    )


@row("elsewhere", "Channels, handshake answered with the ID", column="server")
@pytest.mark.parametrize("server", ["uvicorn with Channels"])
def test_handshake(row: Row, servers: Servers, server: str) -> None:
    """Daphne passes no headers of the application's on."""
    with connected(row, servers[server], "async") as client:
        answered = client.response.headers if client.response else {}
        client.send('"hello"')
        assert client.recv(5) == '"hello"'
    expect_places(row, servers[server], *LIFE)
    row.expect_clean(servers[server])
    expect_line(row, servers[server], status=101, close_code=1000)
    with row.aspect("also"):
        assert answered.get("X-Correlation-ID") == row.identifier


@row("elsewhere", "Channels, {consumer}: message to a group, sent by another request", column="server")
@pytest.mark.parametrize("server", ["daphne"])
@pytest.mark.parametrize("consumer", ["AsyncWebsocketConsumer", "WebsocketConsumer"])
def test_group(row: Row, servers: Servers, server: str, consumer: str) -> None:
    """Delivered under the connection's ID; what the sender's was, its view says."""
    other = Row(row.spans)
    name = next(name for name, kind in KINDS.items() if kind == consumer)
    with connected(row, servers[server], name) as client:
        answer = servers[server].get("/channels/tell/", other, to=row.key)
        assert (answer.text, client.recv(5)) == ("told", "told")
    expect_places(row, servers[server], "group")
    row.expect_clean(servers[server])
    expect_line(row, servers[server], messages_received=0, messages_sent=1)
    with row.aspect("also"):
        assert servers[server].witness(other, "view")["seen"] == other.identifier


@row("elsewhere", "Channels, exception in a consumer", column="server")
@pytest.mark.parametrize("server", ["daphne"])
def test_exception(row: Row, servers: Servers, server: str) -> None:
    with connected(row, servers[server], "async") as client:
        client.send('"boom"')
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(5)
    expect_places(row, servers[server], "connect", "receive")
    row.expect_clean(servers[server])
    line = expect_line(row, servers[server], level="ERROR", error_type="LookupError", status=101)
    with row.aspect("also"):
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1011
        assert "no such luck" in line.get("stack", "")
        span = row.spans.get(servers[server].witness(row, "receive")["seen_span_id"])
        assert (span.raw.status.code, span.attributes.get("error.type")) == (2, "LookupError")


@row("elsewhere", "Channels, client goes away without a word", column="server")
@pytest.mark.parametrize("server", ["daphne"])
def test_abrupt(row: Row, servers: Servers, server: str) -> None:
    with connected(row, servers[server], "async") as client:
        client.send('"hello"')
        assert client.recv(5) == '"hello"'
        client.socket.shutdown(socket.SHUT_RDWR)
    expect_places(row, servers[server], *LIFE)
    row.expect_clean(servers[server])
    expect_line(row, servers[server], level="INFO", close_code=1006, messages_received=1)


@row(
    "elsewhere",
    "Channels, server stops while a client is connected",
    column="server",
    without={"clean": "daphne leaves its consumers without a word, so nothing can be said of their tasks"},
)
@pytest.mark.parametrize("server", ["daphne"])
def test_stop(row: Row, collector: Collector, server: str) -> None:
    with ExitStack() as stack:
        started = start_server(server, stack, environment(collector))
        with connected(row, started, "async") as client:
            client.send('"hello"')
            assert client.recv(5) == '"hello"'
            started.process.stop()
        expect_places(row, started, "connect", "receive")
        expect_line(row, started, event="websocket_aborted", status=101, messages_received=1, messages_sent=1)


@row("elsewhere", "Channels, handshake denied", column="server")
@pytest.mark.parametrize("server", ["daphne"])
def test_denied(row: Row, servers: Servers, server: str) -> None:
    with pytest.raises(InvalidStatus) as denied, connected(row, servers[server], "denying"):
        pytest.fail("it was accepted")
    expect_places(row, servers[server], "connect")
    row.expect_clean(servers[server])
    line = expect_line(row, servers[server], level="INFO", status=403)
    with row.aspect("also"):
        assert denied.value.response.status_code == 403
        assert "close_code" not in line
        assert row.spans.get(line.get("span_id", "")).attributes["http.response.status_code"] == 403


@row("elsewhere", "Channels, HTTP: {what}", column="server")
@pytest.mark.parametrize("server", ["daphne"])
@pytest.mark.parametrize("what", HTTP)
def test_http(row: Row, servers: Servers, server: str, what: str) -> None:
    path, place = HTTP[what]
    answer = servers[server].get(f"/{path}", row)
    seen = servers[server].witness(row, place)
    row.expect(seen, servers[server])
    expect_once(row, servers[server], route=path, status=200)
    with row.aspect("also"):
        assert answer.status == 200
        assert answer.headers.get_all("X-Correlation-ID") == [row.identifier]
