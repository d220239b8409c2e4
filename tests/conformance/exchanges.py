"""What the kit itself tells of an answer once that was closed, and clients that do not wait for one."""

from __future__ import annotations

import socket
import struct
from typing import Any
from urllib.parse import urlsplit

import django
import pytest

from tests.collector import Received
from tests.conformance.rows import Row
from tests.conformance.services import Server
from tests.conformance.telemetry import Line

SERVER_KIND, ERROR_STATUS = 2, 2
EVENTS = ("request", "request_aborted")
"""Events of a request line; the second where the client went away."""


told_of_disconnects = pytest.mark.skipif(
    django.VERSION < (5, 0), reason="Django 4.2 does not tell an async view or body that its client left"
)


def expect_once(
    row: Row, server: Server, event: str = "request", *, error: str | None = None, **more: Any
) -> Line:
    """Exactly one request line with those fields and one server span; both know of the `error` or of none.

    To be asked after `row.expect_clean`, when all has been told.
    """
    line: Line = {}
    with row.aspect("also"):
        told = server.lines.where(correlation_id=row.identifier, trace_id=row.trace_id)
        lines = [each for each in told if each.get("event") in EVENTS]
        assert len(lines) == 1, lines
        line = lines[0]
        assert {**more, "event": event}.items() <= line.items()
        assert line.get("error_type") == error
        span = server_span(row)
        assert (span.raw.status.code == ERROR_STATUS) is (error is not None)
    return line


def leave(server: Server, path: str, row: Row, until: str | None = None) -> None:
    """Asks and goes away without a word: when the first part has come, or when a place was passed there."""
    parts = urlsplit(server.url)
    headers = "".join(f"{name}: {value}\r\n" for name, value in row.headers.items())
    received = b""
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode())
        if until is not None:
            server.witness(row, until)
        while until is None and b"part 0" not in received:
            received += connection.recv(4096)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def server_span(row: Row) -> Received:
    """The one server span of the row's trace."""
    spans = [span for span in row.spans.of_trace(row.trace_id) if span.raw.kind == SERVER_KIND]
    assert len(spans) == 1, [span.name for span in spans]
    return spans[0]
