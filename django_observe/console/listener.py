"""A listening port: Django's threaded WSGI server with bounds on connections, time and unread bodies.

It is the server of runserver: right for a developer's console on the loopback, not for anything public.
"""

from __future__ import annotations

import contextlib
import io
import socketserver
import threading
from collections.abc import Callable
from typing import Any, BinaryIO, Final

from django.core.servers import basehttp

from django_observe.console import chunks, limits
from django_observe.console.instance import CONNECTION_KEY, Console
from django_observe.console.payload import GRPC_HINT

_DIGITS: Final = 18  # beyond any length; int() itself refuses thousands
_LINE_BYTES: Final = 65_536
_FULL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


class Listener(basehttp.ThreadedWSGIServer):
    """Binds on construction (OSError when the port is taken); a thread per connection, up to a bound."""

    request_queue_size = 64

    def __init__(self, host: str, port: int, slots: threading.BoundedSemaphore) -> None:
        self._slots = slots
        self.console: Console | None = None
        super().__init__((host, port), _Handler, ipv6=":" in host)

    @property
    def port(self) -> int:
        """The port that was bound, also when 0 was asked for."""
        return int(self.server_address[1])

    def server_bind(self) -> None:
        """As http.server does, without its reverse lookup of the host's name."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.port
        self.setup_environ()

    def start(self, application: Callable[..., Any]) -> None:
        """Serves from a thread of its own."""
        self.answer = application
        threading.Thread(
            target=self.serve_forever, args=(0.1,), name=f"console-{self.port}", daemon=True
        ).start()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Starts the connection's thread, or answers 503 when all slots are taken."""
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        request.settimeout(1)
        with contextlib.suppress(OSError):
            request.sendall(_FULL)
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Frees the slot when the connection ends."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def _close_connections(self) -> None:
        """There are no Django database connections to close."""


class _Exchange(basehttp.ServerHandler):
    environ: dict[str, str]
    headers: Any
    request_handler: Any

    def cleanup_headers(self) -> None:
        """Ends the connection after a request whose body was refused unread."""
        super().cleanup_headers()
        unread = not 0 <= self._declared() <= limits.WIRE_BYTES
        if "HTTP_TRANSFER_ENCODING" in self.environ or unread:
            self.headers["Connection"] = "close"
            self.request_handler.close_connection = True

    def close(self) -> None:
        """Reads what is still being sent, so that it hears our answer; neither forever nor into memory."""
        left = min(self._declared(), limits.DRAIN_BYTES)
        stdin = self.get_stdin()
        while left > 0 and (chunk := stdin.read(min(left, 65536))):
            left -= len(chunk)
        super(basehttp.ServerHandler, self).close()

    def _declared(self) -> int:
        """Bytes of the body; -1 when the length cannot be read."""
        length = self.environ.get("CONTENT_LENGTH") or "0"
        return int(length[:_DIGITS]) if length.isascii() and length.isdigit() else -1


class _Handler(basehttp.WSGIRequestHandler):
    timeout = limits.SOCKET_SECONDS
    disable_nagle_algorithm = True
    server: Listener

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parent's signature
        """Access lines would only be noise beside what the pages show."""

    def get_environ(self) -> dict[str, Any]:
        """With the socket."""
        return {**super().get_environ(), CONNECTION_KEY: self.connection}

    def handle(self) -> None:
        """Ends quietly when the peer does."""
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def handle_one_request(self) -> None:
        """As Django's, with the exchange above and a word for gRPC clients."""
        self.raw_requestline = self.rfile.readline(_LINE_BYTES + 1)
        if self.raw_requestline.startswith(b"PRI * HTTP/2.0"):
            self._refuse_grpc()
        elif len(self.raw_requestline) > _LINE_BYTES:
            self.requestline = self.request_version = self.command = ""
            self.send_error(414)
        elif self.parse_request():
            self._answer(self.get_environ())

    def _answer(self, environ: dict[str, Any]) -> None:
        try:
            body = self._body(environ)
        except chunks.ChunkError as fault:
            self.close_connection = True
            self.send_error(400, explain=f"The body cannot be read: {fault}.")
            return
        exchange = _Exchange(body, self.wfile, self.get_stderr(), environ)
        exchange.request_handler = self
        exchange.run(self.server.answer)

    def _body(self, environ: dict[str, Any]) -> BinaryIO:
        """Chunks become a body as if its length had been told; of a too long one only the length is kept."""
        lengths = self.headers.get_all("Content-Length", [])
        chunked = environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked"
        if len(lengths) > 1 or (lengths and chunked):
            raise chunks.ChunkError("its length is told twice")
        if not chunked or not self._receives():
            return self.rfile
        body, length = chunks.read(self.rfile, limits.WIRE_BYTES, limits.DRAIN_BYTES)
        del environ["HTTP_TRANSFER_ENCODING"]
        environ["CONTENT_LENGTH"] = str(length)
        return io.BytesIO(body)

    def _receives(self) -> bool:
        """Whether this is the port of telemetry; forms are small, browsers tell their length."""
        return self.server.console is not None and self.server.console.otlp_port == self.server.port

    def _refuse_grpc(self) -> None:
        self.requestline, self.request_version, self.command = "PRI * HTTP/2.0", "HTTP/1.1", "PRI"
        self.close_connection = True
        if self.server.console:
            self.server.console.intake.refuse(415, GRPC_HINT)
        self.send_error(415, explain=GRPC_HINT)
