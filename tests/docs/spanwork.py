"""A little of everything that makes a span: a program that exports to the receiver in its environment."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import django
import requests
from celery import Celery
from celery.contrib.testing.worker import start_worker
from django.db import connection
from django.test import Client

from django_observe import continued, correlated, flush, outgoing


class Answering(BaseHTTPRequestHandler):
    """200 to everything."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def serve() -> None:
    """Requests, statements and a call."""
    server = HTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = Client(raise_request_exception=False)
    client.get("/ok/7/?page=2")
    client.get("/boom/")
    with correlated("nightly-2026"):
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = %s", ["table"])
        requests.get(f"http://127.0.0.1:{server.server_port}/users/7/?page=2", timeout=5)
    server.shutdown()


def work() -> None:
    """A task, published and run; a message."""
    app = Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)

    @app.task(name="shop.tasks.invoice", shared=False)
    def invoice() -> None:
        """Nothing."""

    with start_worker(app, perform_ping_check=False, loglevel="ERROR"):
        invoice.delay().get(timeout=20)
    with continued(outgoing(), "process orders"):
        pass


if __name__ == "__main__":
    django.setup()
    serve()
    work()
    flush(5)
