"""A real OTLP/HTTP receiver for tests, well-behaved or not, as a thread or as a program of its own."""

from __future__ import annotations

import gzip
import os
import socket
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, TypeVar

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from typing_extensions import Self

from tests.processes import wait_until

Mode = Literal[
    "ok", "slow", "hang", "302", "400", "429", "503", "partial", "html", "close", "garbage", "flood", "drip"
]
Value = TypeVar("Value")


@dataclass(frozen=True)
class Received:
    """A span or log record with the resource that sent it; attributes as Python values."""

    raw: Any
    resource: dict[str, Any]
    scope: str

    @property
    def attributes(self) -> dict[str, Any]:
        return plain(self.raw.attributes)

    @property
    def name(self) -> str:
        return str(self.raw.name)

    @property
    def trace_id(self) -> str:
        return str(self.raw.trace_id.hex())

    @property
    def span_id(self) -> str:
        return str(self.raw.span_id.hex())

    @property
    def parent_id(self) -> str:
        return str(self.raw.parent_span_id.hex())

    @property
    def body(self) -> str:
        return str(self.raw.body.string_value)


class Collector:
    """Listens on 127.0.0.1, on a free port or that one, within a `with` block; `mode` may change at any time.

    `slow` takes `delay` seconds, `hang` answers when the block ends, `partial` rejects one record of each.
    `close` takes the request and cuts its answer off in the middle, `garbage` takes it and answers 200 with
    what is no OTLP, `flood` takes it and answers 200 with a body that never ends; `drip` takes nothing and
    sends a byte every `pause` seconds for ever: of a header's value and of the body by turns.
    """

    def __init__(self, mode: Mode = "ok", *, delay: float = 0.2, port: int = 0) -> None:
        self.mode: Mode = mode
        self.delay = delay
        self.pause = 0.2
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.attempts = 0
        self.released = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.collector = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def cut(self) -> None:
        """Ends every connection, also those kept for the next request, as a receiver that dies does."""
        for connection in list(self._server.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @property
    def url(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that make a program export here, at once."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "OTEL_BLRP_SCHEDULE_DELAY": "50",
        }

    def spans(self) -> list[Received]:
        """Every span that was taken, in order of arrival."""
        found = []
        for path, _, body in list(self.requests):
            if path == "/v1/traces":
                for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                    resource = plain(group.resource.attributes)
                    for scope in group.scope_spans:
                        found += [Received(span, resource, scope.scope.name) for span in scope.spans]
        return found

    def logs(self) -> list[Received]:
        """Every log record that was taken, in order of arrival."""
        found = []
        for path, _, body in list(self.requests):
            if path == "/v1/logs":
                for group in ExportLogsServiceRequest.FromString(body).resource_logs:
                    resource = plain(group.resource.attributes)
                    for scope in group.scope_logs:
                        found += [Received(each, resource, scope.scope.name) for each in scope.log_records]
        return found

    def wait_for(self, condition: Callable[[], Value], what: str = "telemetry", timeout: float = 15) -> Value:
        """What `condition` answers once that is true-ish."""
        return wait_until(condition, what, timeout)

    def span(self, name: str, timeout: float = 15) -> Received:
        """The first span of that name, once it has arrived."""
        found = self.wait_for(
            lambda: [each for each in self.spans() if each.name == name], f"span {name}", timeout
        )
        return found[0]


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # of five, a sixth that connects at once would try again a second later
    daemon_threads = True
    block_on_close = False
    collector: Collector

    def __init__(self, *args: Any) -> None:
        self.connections: set[socket.socket] = set()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        collector = self.server.collector
        body = self.rfile.read(int(self.headers["Content-Length"]))
        encoding = self.headers.get("Content-Encoding")
        body = (
            gzip.decompress(body)
            if encoding == "gzip"
            else zlib.decompress(body)
            if encoding == "deflate"
            else body
        )
        mode = collector.mode
        collector.attempts += 1
        if mode == "hang":
            collector.released.wait(60)
            return
        if mode == "slow":
            time.sleep(collector.delay)
        if mode in _TAKING:
            collector.requests.append((self.path, dict(self.headers), body))
        if mode in ("ok", "slow", "partial"):
            self._answer(200, _accepted(self.path, rejected=int(mode == "partial")))
        elif mode == "garbage":
            self._answer(200, _NO_PROTOBUF + os.urandom(200))
        elif mode in ("close", "flood", "drip"):
            self.close_connection = True
            with suppress(OSError):
                _ODD_ANSWERS[mode](self)
        elif mode == "html":
            self._answer(200, b"<html>please log in</html>", {"Content-Type": "text/html"})
        else:
            headers = {"Location": "/elsewhere"} if mode == "302" else {}
            self._answer(int(mode), b"", headers | ({"Retry-After": "1"} if mode == "429" else {}))

    def do_GET(self) -> None:
        """What a followed redirect would find: a page that looks well."""
        self._answer(200, b"")

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self._begin({**(headers or {}), "Content-Length": str(len(body))}, status)
        self.wfile.write(body)

    def _cut_off(self) -> None:
        self._begin({"Content-Length": "1000"})
        self.wfile.write(_NO_PROTOBUF)

    def _flood(self) -> None:
        self._begin({"Connection": "close"})
        while not self.server.collector.released.wait(0.001):
            self.wfile.write(bytes(65_536))

    def _drip(self) -> None:
        if self.server.collector.attempts % 2:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nServer: ")
        else:
            self._begin({"Content-Length": "1000000"})
        while not self.server.collector.released.wait(self.server.collector.pause):
            self.wfile.write(b"-")

    def _begin(self, headers: dict[str, str], status: int = 200) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/x-protobuf", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name for it
        """Says nothing."""


_TAKING = {"ok", "slow", "partial", "close", "garbage", "flood"}
_NO_PROTOBUF = b"\xff" * 12
"""A field's key that never ends."""
_ODD_ANSWERS = {"close": _Handler._cut_off, "flood": _Handler._flood, "drip": _Handler._drip}


def plain(attributes: Any) -> dict[str, Any]:
    """OTLP attributes as Python values."""
    return {pair.key: _plain(pair.value) for pair in attributes}


def _plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return plain(value.kvlist_value.values)
    return None if kind is None else getattr(value, kind)


def _accepted(path: str, rejected: int) -> bytes:
    if path == "/v1/logs":
        logs = ExportLogsServiceResponse()
        logs.partial_success.rejected_log_records = rejected
        return logs.SerializeToString()
    spans = ExportTraceServiceResponse()
    spans.partial_success.rejected_spans = rejected
    return spans.SerializeToString()
