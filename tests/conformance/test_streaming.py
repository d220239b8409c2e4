"""Django: bodies that go out bit by bit, and files."""

from __future__ import annotations

import gzip
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.conformance.exchanges import expect_once, leave, server_span, told_of_disconnects
from tests.conformance.project import streams
from tests.conformance.rows import Row, row
from tests.conformance.services import Server, Servers

SERVERS = ["gunicorn sync", "gunicorn gthread", "uvicorn"]
everywhere = pytest.mark.parametrize("server", SERVERS)
under_wsgi = pytest.mark.parametrize("server", SERVERS[:2])
in_both = pytest.mark.parametrize("server", SERVERS[1:])
kinds = pytest.mark.parametrize("kind", ["sync", "async"])
STEPS, BODY = 3, b"part 0\npart 1\npart 2\n"


def expect_steps(row: Row, server: Server, number: int = STEPS) -> None:
    """At each step of the generator, and when it is closed, the ID and the server span are bound."""
    for seen in [*server.witnesses(row, "step", number), *server.witnesses(row, "end", 1)]:
        row.expect_id(seen)
        path = row.expect_trace(seen)
        with row.aspect("trace"):
            assert len(path) == 1, "the server span is the current one"
    row.expect_clean(server)


@row("Django", "StreamingHttpResponse, {kind}: timed to its last byte", column="server")
@everywhere
@kinds
def test_stream(row: Row, servers: Servers, server: str, kind: str) -> None:
    answer = servers[server].get(f"/django/streams/{kind}/", row)
    expect_steps(row, servers[server])
    line = expect_once(row, servers[server], status=200, bytes_out=len(BODY))
    with row.aspect("also"):
        assert answer.body == BODY
        assert answer.headers.get_all("X-Correlation-ID") == [row.identifier]
        span = server_span(row).raw
        assert line.get("duration_ms", 0) >= STEPS * streams.PAUSE * 1e3
        assert span.end_time_unix_nano - span.start_time_unix_nano >= STEPS * streams.PAUSE * 1e9


@row("Django", "StreamingHttpResponse, {kind}: an error half way", column="server")
@everywhere
@kinds
def test_stream_that_breaks(row: Row, servers: Servers, server: str, kind: str) -> None:
    with suppress(HTTPException):
        servers[server].get(f"/django/streams/{kind}/", row, fault="no such luck")
    expect_steps(row, servers[server])
    expect_once(row, servers[server], error="RuntimeError", level="ERROR", status=200)


@row("Django", "StreamingHttpResponse, sync: the client leaves", column="server")
@under_wsgi
def test_client_leaves(row: Row, servers: Servers, server: str) -> None:
    leave(servers[server], f"/django/streams/sync/?key={row.key}&steps=100", row)
    expect_steps(row, servers[server], 1)
    expect_once(row, servers[server], "request_aborted", status=200)


@row("Django", "StreamingHttpResponse, async: the client leaves", column="server")
@told_of_disconnects
@pytest.mark.parametrize("server", ["uvicorn"])
def test_client_leaves_async(row: Row, servers: Servers, server: str) -> None:
    leave(servers[server], f"/django/streams/async/?key={row.key}&steps=100", row)
    expect_steps(row, servers[server], 1)
    expect_once(row, servers[server], "request_aborted", status=200)


@row("Django", "StreamingHttpResponse, compressed on its way", column="server")
@in_both
def test_compressed_stream(row: Row, servers: Servers, server: str) -> None:
    answer = servers[server].get(
        "/django/streams/compressed/", row, {**row.headers, "Accept-Encoding": "gzip"}
    )
    expect_steps(row, servers[server])
    expect_once(row, servers[server], status=200, bytes_out=len(answer.body))
    with row.aspect("also"):
        assert gzip.decompress(answer.body) == BODY


@row(
    "Django", "StreamingHttpResponse, sync: the client leaves while the server waits for it", column="server"
)
@under_wsgi
def test_client_leaves_a_waiting_server(row: Row, servers: Servers, server: str) -> None:
    """More than the sockets hold; uvicorn, when it waits no more, asks an async body for all the rest."""
    leave(servers[server], f"/django/streams/large/?key={row.key}", row)
    [end] = servers[server].witnesses(row, "end", 1)
    row.expect(end, servers[server])
    expect_once(row, servers[server], "request_aborted", status=200)


@row(
    "Django", "StreamingHttpResponse, {kind}, collected before it is sent: the client leaves", column="server"
)
@pytest.mark.parametrize(("server", "kind"), [("uvicorn", "sync"), ("gunicorn gthread", "async")])
def test_client_leaves_early(row: Row, servers: Servers, server: str, kind: str) -> None:
    """Where body and server are not of one kind, Django collects all of it first: it was complete."""
    leave(servers[server], f"/django/streams/{kind}/?key={row.key}", row, until="step")
    expect_steps(row, servers[server])
    expect_once(row, servers[server], status=200, bytes_out=len(BODY))


@row("Django", "FileResponse: the server's own way of sending files is kept", column="server")
@everywhere
def test_file(row: Row, servers: Servers, server: str) -> None:
    """Under gunicorn the kernel sends the file: nothing of Python reads it."""
    answer = servers[server].get("/django/streams/local/", row)
    row.expect(servers[server].witness(row, "view"), servers[server])
    expect_once(row, servers[server], status=200)
    with row.aspect("also"):
        assert answer.body == Path(streams.FILE).read_bytes()
        assert answer.headers.get_all("X-Correlation-ID") == [row.identifier]
        read = servers[server].lines.where(key=row.key, place="read")
        assert bool(read) is (server == "uvicorn")
        assert {line["seen"] for line in read} <= {row.identifier}


@row("Django", "FileResponse: a file of a storage", column="server")
@everywhere
def test_remote_file(row: Row, servers: Servers, server: str) -> None:
    """A file without a descriptor is read by Python, under the ID."""
    answer = servers[server].get("/django/streams/remote/", row)
    row.expect(servers[server].witness(row, "read"), servers[server])
    expect_once(row, servers[server], status=200, bytes_out=len(answer.body))
    with row.aspect("also"):
        assert answer.body == b"remote"


@row("Django", "FileResponse: a file that cannot be read", column="server")
@in_both
def test_unreadable_file(row: Row, servers: Servers, server: str) -> None:
    with suppress(HTTPException):
        servers[server].get("/django/streams/remote/", row, fault="no such luck")
    row.expect(servers[server].witness(row, "read"), servers[server])
    expect_once(row, servers[server], error="OSError", level="ERROR", status=200)
