"""Chunked bodies, as Node's exporters send them: taken, bounded, and no way to smuggle a second request."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.console.running import Console, span_id, trace_id
from tests.console.telemetry import span, traces

END = b"0\r\n\r\n"
NEXT = b"GET /v1/traces HTTP/1.1\r\nHost: localhost\r\n\r\n"


def chunked(body: bytes, size: int) -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x;note=1\r\n%s\r\n" % (len(part), part) for part in parts)


def head(*more: str, coding: str = "chunked") -> bytes:
    lines = ["POST /v1/traces HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    return "\r\n".join([*lines, f"Transfer-Encoding: {coding}", *more, "", ""]).encode()


def exchange(url: str, request: bytes) -> bytes:
    """All that comes back until the peer hangs up or is silent for a second."""
    answer = b""
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=1) as connection:
        try:
            connection.sendall(request)
            while part := connection.recv(65536):
                answer += part
        except (TimeoutError, ConnectionError):
            pass
    return answer


@pytest.mark.parametrize("size", [1, 100, 10_000_000])
def test_a_chunked_body_is_taken_and_the_connection_goes_on(console: Console, size: int) -> None:
    trace = trace_id()
    body = json.dumps(traces("node", span(trace, span_id()))).encode()
    trailer = b"0\r\nExpires: never\r\n\r\n"
    answer = exchange(console.otlp, head() + chunked(body, size) + trailer + NEXT)
    assert answer.count(b"HTTP/1.1 200 ") == 1
    assert answer.count(b"HTTP/1.1 405 ") == 1, "the request behind the body was not read as one"
    assert len(console.spans(trace)) == 1


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"zz\r\n{}\r\n" + END, b"no size"),
        (b"-2\r\n{}\r\n" + END, b"no size"),
        (b"0x2\r\n{}\r\n" + END, b"no size"),
        (b"2\n{}\r\n" + END, b"no size"),
        (b"1\r\n{}\r\n" + END, b"longer than its size"),
        (b"5\r\n{}", b"longer than its size"),
        (b"fffffffff\r\n{}\r\n" + END, b"no size"),
        (b"ffffffff\r\n{}\r\n" + END, b"more than"),
        (b"2" + b" " * 2000 + b"\r\n{}\r\n" + END, b"no size"),
        (b"2\r\n{}\r\n0\r\n" + b"a: b\r\n" * 100 + b"\r\n", b"no end"),
    ],
)
def test_what_is_no_chunked_body_ends_the_connection(console: Console, body: bytes, part: bytes) -> None:
    answer = exchange(console.otlp, head() + body + NEXT)
    assert b"HTTP/1.1 400 " in answer
    assert answer.count(b"HTTP/1.1") == 1, "what followed was read as a second request"
    assert part in answer


def test_a_told_length_beside_chunks_is_refused(console: Console) -> None:
    answer = exchange(console.otlp, head("Content-Length: 2") + chunked(b"{}", 2) + END + NEXT)
    assert b"HTTP/1.1 400 " in answer
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("coding", ["gzip, chunked", "identity", "xchunked"])
def test_other_codings_are_411_and_end_the_connection(console: Console, coding: str) -> None:
    answer = exchange(console.otlp, head(coding=coding) + chunked(b"{}", 2) + END + NEXT)
    assert b"HTTP/1.1 411 " in answer
    assert answer.count(b"HTTP/1.1") == 1


def test_chunks_beyond_the_bound_are_413(console: Console) -> None:
    answer = exchange(console.otlp, head() + chunked(b" " * (4 * 1024 * 1024 + 1), 65536) + END)
    assert b"HTTP/1.1 413 " in answer


def test_a_length_of_thousands_of_digits_is_413(console: Console) -> None:
    told = head("Content-Length: " + "9" * 5000).replace(b"Transfer-Encoding: chunked\r\n", b"")
    assert b"HTTP/1.1 413 " in exchange(console.otlp, told)


def test_the_pages_port_takes_no_chunks(console: Console) -> None:
    answer = exchange(console.pages, head() + chunked(b"{}", 2) + END + NEXT)
    assert answer.count(b"HTTP/1.1") == 1
    assert b"HTTP/1.1 200 " not in answer
