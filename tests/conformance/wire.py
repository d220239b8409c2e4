"""A request byte for byte, as no HTTP client would send it."""

from __future__ import annotations

import socket
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from urllib.parse import urlsplit

from tests.processes import Answer


def exchange(url: str, lines: bytes) -> Answer | None:
    """GETs `url` with these header lines; None where the server hung up without an answer."""
    parts = urlsplit(url)
    head = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n"
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=10) as connection:
        with suppress(OSError):  # a server that has seen enough answers before all is sent
            connection.sendall(head.encode() + lines + b"\r\n")
        response = HTTPResponse(connection)
        with suppress(OSError, HTTPException):
            response.begin()
            return Answer(response.status, response.headers, response.read())
    return None
