"""A webhook for Alertmanager: keeps what it is sent, and shows it as a page and as JSON.

POST / takes webhook version 4 (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config);
GET / is the page; GET /alerts a list, in order of arrival, of {"at": seconds since 1970, "payload": as sent};
DELETE /alerts empties it.
"""

import json
import threading
import time
from collections import deque
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from demo_services.alertpage import STYLE, page

KEPT_ALERTS = 500
MOST_BYTES = 1_000_000
READ_SECONDS = 10
VERSION = "4"


class Inbox:
    """The last notifications: as many as hold 500 alerts between them."""

    def __init__(self) -> None:
        self._notifications: deque[dict[str, Any]] = deque()
        self._lock = threading.Lock()

    def put(self, payload: dict[str, Any]) -> None:
        """Keep a notification; the oldest make room."""
        with self._lock:
            self._notifications.append({"at": time.time(), "payload": payload})
            while self._alerts() > KEPT_ALERTS and len(self._notifications) > 1:
                self._notifications.popleft()

    def all(self) -> list[dict[str, Any]]:
        """Everything that is kept, oldest first."""
        with self._lock:
            return list(self._notifications)

    def empty(self) -> None:
        """Keep nothing of what has come so far."""
        with self._lock:
            self._notifications.clear()

    def _alerts(self) -> int:
        return sum(len(notification["payload"]["alerts"]) for notification in self._notifications)


def fault_of(payload: Any) -> str:
    """What keeps this from being a webhook of Alertmanager, in words; nothing if it is one."""
    if not isinstance(payload, dict) or payload.get("version") != VERSION:
        return f'accepted is a JSON object with "version": "{VERSION}", as Alertmanager sends it'
    alerts = payload.get("alerts")
    if not isinstance(alerts, list) or len(alerts) > KEPT_ALERTS:
        return f"alerts is no list of {KEPT_ALERTS} at most"
    for alert in alerts:
        if not isinstance(alert, dict) or alert.get("status") not in ("firing", "resolved"):
            return "an alert has no status firing or resolved"
        for name in ("labels", "annotations"):
            texts = alert.get(name)
            if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
                return f"an alert's {name} are no object of texts"
    return ""


class Handler(BaseHTTPRequestHandler):
    """HTTP in front of the one inbox of a server."""

    timeout = READ_SECONDS
    server: "Server"

    def do_GET(self) -> None:
        """Show the page or the list."""
        if self.path == "/":
            self._answer(HTTPStatus.OK, page(self.server.inbox.all()), "text/html; charset=utf-8")
        elif self.path == "/alertpage.css":
            self._answer(HTTPStatus.OK, STYLE.encode(), "text/css")
        elif self.path == "/alerts":
            self._tell(HTTPStatus.OK, self.server.inbox.all())
        else:
            self._tell(HTTPStatus.NOT_FOUND, {"detail": "GET /, GET or DELETE /alerts, POST /"})

    def do_DELETE(self) -> None:
        """Empty the list."""
        if self.path != "/alerts":
            self._tell(HTTPStatus.NOT_FOUND, {"detail": "DELETE /alerts"})
            return
        self.server.inbox.empty()
        self._tell(HTTPStatus.OK, [])

    def do_POST(self) -> None:
        """Take a notification."""
        length = self.headers.get("Content-Length", "")
        if self.path != "/":
            self._tell(HTTPStatus.NOT_FOUND, {"detail": "POST /"})
        elif not length.isdecimal() or int(length) > MOST_BYTES:
            self.close_connection = True
            detail = f"a Content-Length of {MOST_BYTES} at most is needed"
            self._tell(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE if length else HTTPStatus.LENGTH_REQUIRED,
                {"detail": detail},
            )
        else:
            self._take(self.rfile.read(int(length)))

    def _take(self, body: bytes) -> None:
        try:
            payload = json.loads(body)
        except (ValueError, RecursionError):
            payload = None
        if fault := fault_of(payload):
            self._tell(HTTPStatus.BAD_REQUEST, {"detail": fault})
            return
        self.server.inbox.put(payload)
        self._tell(HTTPStatus.OK, {"kept": len(payload["alerts"])})

    def _tell(self, status: HTTPStatus, document: Any) -> None:
        self._answer(status, json.dumps(document, indent=1).encode(), "application/json")

    def _answer(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:")
        self.end_headers()
        self.wfile.write(content)


class Server(ThreadingHTTPServer):
    """The webhook's server, with its own inbox; `shutdown()` from another thread ends `serve_forever()`."""

    daemon_threads = True

    def __init__(self, host: str, port: int) -> None:
        self.inbox = Inbox()
        super().__init__((host, port), Handler)


def serve(host: str, port: int) -> None:
    """Serve until stopped; 127.0.0.1 on a machine, 0.0.0.0 in a container."""
    Server(host, port).serve_forever()
