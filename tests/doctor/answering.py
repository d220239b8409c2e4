"""A real HTTP server for tests that answers as it is told, with TLS where it is given a certificate."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple

from typing_extensions import Self


class Asked(NamedTuple):
    """A request as it came."""

    method: str
    path: str
    headers: Message
    body: bytes


class Told(NamedTuple):
    """An answer; Server and Date are the server's own unless they are given."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Answering:
    """Listens on a free port of 127.0.0.1 within a `with` block; `requests` are those so far."""

    def __init__(self, answer: Callable[[Asked], Told], *, tls: ssl.SSLContext | None = None) -> None:
        self.answer, self.requests = answer, list[Asked]()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._scheme = "https" if tls else "http"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def host(self) -> str:
        """Address and port."""
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        return f"{self._scheme}://{self.host}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    owner: Answering

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that speaks another protocol is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(self.command, self.path, self.headers, body)
        self.server.owner.requests.append(asked)
        told = self.server.owner.answer(asked)
        self.send_response_only(told.status)
        own = {"Server": "answering", "Date": self.date_time_string(), "Content-Length": str(len(told.body))}
        for name, value in {**own, **told.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(told.body)

    do_POST = do_GET  # noqa: N815 - the base class looks for that name

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name for it
        """Says nothing."""
