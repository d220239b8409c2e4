"""The metrics page of a worker: one small HTTP server in its main process, for it and its pool."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextvars import Context
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from django_observe import conf, exposition
from django_observe.reporting import guard

if TYPE_CHECKING:
    from django_observe.workermetrics import WorkerMetrics

logger = logging.getLogger(__name__)

_METHODS: Final = ("GET", "HEAD")
_PLAIN: Final = "text/plain; charset=utf-8"

_server: ThreadingHTTPServer | None = None
_worker: WorkerMetrics | None = None


def start(worker: WorkerMetrics | None = None) -> int | None:
    """Serves the page on WORKER_METRICS_HOST and WORKER_METRICS_PORT; returns the port, None without one.

    A port that is taken costs the page and one log line, never the worker. May be called again.
    """
    global _server, _worker
    _worker = worker
    settings = conf.settings()
    host, port = settings.worker_metrics_host, settings.worker_metrics_port
    if _server is None and port is not None and settings.metrics:
        try:
            _server = _Server((host, port), _Page)
        except OSError as error:
            logger.warning(
                "No worker metrics: %s:%s cannot be used (%s). Set OBSERVE_WORKER_METRICS_PORT to a free "
                "port, one for each worker on a host, or WORKER_METRICS_PORT to None.",
                host,
                port,
                error.strerror,
            )
            return None
        server = Thread(target=_server.serve_forever, name="observe-worker-metrics", daemon=True)
        Context().run(server.start)
        os.register_at_fork(after_in_child=_server.socket.close)
    return _server.server_port if _server is not None else None


def stop() -> None:
    """Ends the server, if one runs: for tests; a worker's ends with its process."""
    global _server, _worker
    _worker = None
    if _server is not None:
        _server.shutdown()
        _server.server_close()
        _server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A reader that went away is no news."""

    def server_bind(self) -> None:
        """Binds as HTTPServer does, without asking a resolver, which may hang, for this host's name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])


class _Page(BaseHTTPRequestHandler):
    timeout = 10

    def do_GET(self) -> None:
        """Answers a scrape under the same rules as the page of a web process."""
        with guard("workerserver"):
            self._answer()

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Any other method is answered as well: http.server looks for `do_<METHOD>`."""
        if name.startswith("do_"):
            return self.do_GET
        raise AttributeError(name)

    def send_error(self, code: int, *_: Any) -> None:
        """What http.server says of a request that is none: the status alone, not a page of HTML."""
        with guard("workerserver"):
            self._send(HTTPStatus(code), b"", _PLAIN)

    def log_message(self, *_: Any) -> None:
        """A scrape is no news."""

    def _answer(self) -> None:
        settings = conf.settings()
        path = settings.metrics_path or "/metrics"
        may = settings.metrics and exposition.allowed(str(self.client_address[0]), self.headers)
        if self.path.partition("?")[0] != path or not may:
            self._send(HTTPStatus.NOT_FOUND, b"Not Found\n", _PLAIN)
            return
        if self.command not in _METHODS:
            self._send(HTTPStatus.METHOD_NOT_ALLOWED, b"", _PLAIN, allow=", ".join(_METHODS))
            return
        more: list[Any] = []
        with guard("workerserver"):
            more.extend(_worker.families() if _worker is not None else ())
        page = exposition.render(self.headers.get("Accept", ""), several=False, more=more)
        self._send(HTTPStatus.OK, *page)

    def _send(self, status: HTTPStatus, body: bytes, content_type: str, *, allow: str = "") -> None:
        self.send_response_only(status)
        self.send_header("Date", self.date_time_string())
        if allow:
            self.send_header("Allow", allow)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
