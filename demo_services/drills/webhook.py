"""The webhook that Alertmanager tells of alerts, and what it has been told."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from demo_services.ports import HOST

WATCHDOG = "none"
"""The severity of the alert that always fires, to show that the way to the webhook is open."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One alert of one notification, and when (Unix seconds) it came in."""

    at: float
    firing: bool
    labels: dict[str, str]
    annotations: dict[str, str]

    @property
    def key(self) -> tuple[str, str]:
        """Alert name and service, by which drills tell alerts apart."""
        return self.labels["alertname"], self.labels.get("service", "")


class Webhook:
    """All notices so far, in the order in which they came."""

    def __init__(self) -> None:
        self._notices: list[Notice] = []

    def take(self, payload: dict[str, Any]) -> None:
        """Keep what Alertmanager sent."""
        now = time.time()
        for alert in payload["alerts"]:
            if alert["labels"].get("severity") == WATCHDOG:
                continue
            firing = alert["status"] == "firing"
            self._notices.append(Notice(now, firing, alert["labels"], alert["annotations"]))

    def since(self, moment: float) -> list[Notice]:
        """The notices that came in after a moment."""
        return [notice for notice in self._notices if notice.at >= moment]

    def open(self, moment: float) -> frozenset[tuple[str, str]]:
        """The alerts told as firing since a moment and not yet told as resolved."""
        last = {tuple(sorted(notice.labels.items())): notice for notice in self.since(moment)}
        return frozenset(notice.key for notice in last.values() if notice.firing)


@contextmanager
def listening(port: int) -> Iterator[Webhook]:
    """A webhook on 127.0.0.1, in a thread of its own."""
    webhook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            webhook.take(json.loads(body))
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet: the drill says what came."""

    with ThreadingHTTPServer((HOST, port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield webhook
        finally:
            server.shutdown()
            thread.join()
