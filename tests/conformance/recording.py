"""A host that is called: it remembers the headers of each request, by the row that caused it."""

from __future__ import annotations

import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, final

TOLD = ("x-correlation-id", "traceparent", "tracestate", "baggage")
"""Headers that can carry an ID or a trace."""

Headers = dict[str, list[str]]


@final
class Recording:
    """An HTTP server of 127.0.0.1, in a thread; with `listens=False` it refuses until it is told to.

    `/KEY/200` answers 200, `/KEY/to/HOST` redirects to `/KEY/200` there, `/KEY/flaky` answers 503 at first.
    """

    def __init__(self, *, listens: bool = True) -> None:
        self._listens = listens
        self._http = _Server(("127.0.0.1", 0), _Handler, bind_and_activate=False)
        self._http.server_bind()
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    def url(self, host: str, key: str, path: str = "200") -> str:
        """Where a row's request goes; `host` is any name of this machine."""
        return f"http://{host}:{self._http.server_address[1]}/{key}/{path}"

    def told(self, key: str) -> list[Headers]:
        """Of each request of the row, in order: the values of what can carry an ID or a trace."""
        return [
            {name: values for name, values in headers.items() if name in TOLD}
            for headers in self._http.seen[key]
        ]

    def listen(self) -> None:
        """Listens from now on."""
        self._http.server_activate()
        self._thread.start()

    def __enter__(self) -> Recording:
        if self._listens:
            self.listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread.ident is not None:
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.seen: dict[str, list[Headers]] = defaultdict(list)
        super().__init__(*args, **kwargs)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        _, key, what, *rest = self.path.split("/")
        headers: Headers = defaultdict(list)
        for name, value in self.headers.items():
            headers[name.lower()].append(value)
        self.server.seen[key].append(headers)
        first = len(self.server.seen[key]) == 1
        self.send_response({"to": 302, "flaky": 503 if first else 200}.get(what, 200))
        if what == "to":
            self.send_header("Location", f"http://{rest[0]}:{self.server.server_address[1]}/{key}/200")
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the standard library
        """Says nothing."""
