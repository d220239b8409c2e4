"""Answers of real backends, served again over HTTP: Jaeger and Loki are not among what the tests can install.

`recorded/*.json` hold, by request, what Jaeger 2.20.0 and Loki 3.7.6 answered to the doctor, with the
configuration of `stack/` and with what a file's name says; statistics are left out, and of Loki's /config all
but the limits. A request that was not recorded is answered as the real one answers an unknown path.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django_observe.doctor.backends import Backends
from django_observe.doctor.canary import Canary
from tests.doctor.listening import listening

RECORDED = Path(__file__).parent / "recorded"
ID, TRACE = "doctor-0c0ffee00002", "0c0ffee0000200000000000000000002"
"""What the recorded canary had."""
TAKER = "http://127.0.0.1:9/somewhere"
"""Where that one was taken."""

_TIMES = {"start", "end", "query.start_time_min", "query.start_time_max"}

Answering = Callable[[BaseHTTPRequestHandler], None]


def canary(backends: Backends, **given: Any) -> Canary:
    """The recorded canary, sent a moment ago; it waits for nothing longer than a second."""
    told = {"correlation_id": ID, "trace_id": TRACE, "started_ns": time.time_ns(), "urls": (), "timeout": 0.5}
    return Canary(
        **{
            **told,
            "backends": backends,
            "span_id": "00000000000000aa",
            "is_recorded": True,
            "delivered": dict.fromkeys(("traces", "logs"), TAKER),
            **given,
        }
    )


@contextmanager
def recording(name: str, **renamed: str) -> Iterator[str]:
    """The URL of what serves a recording, in which some words are others."""
    text = (RECORDED / f"{name}.json").read_text()
    for word, other in renamed.items():
        text = text.replace(word, other)
    answers = json.loads(text)

    def answering(handler: BaseHTTPRequestHandler) -> None:
        found = answers.get(
            _key(handler.path), {"status": 404, "type": "text/plain", "body": "404 page not found\n"}
        )
        answer(handler, found["body"].encode(), found["type"], found["status"])

    with serving(answering) as url:
        yield url


@contextmanager
def serving(answering: Answering) -> Iterator[str]:
    """The URL of a server on a free port that answers each GET by `answering`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answering(self)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with listening(server) as url:
        yield url


def answer(
    handler: BaseHTTPRequestHandler,
    body: bytes,
    kind: str = "application/json",
    status: int = 200,
    location: str = "",
) -> None:
    """One answer with its length."""
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    if location:
        handler.send_header("Location", location)
    handler.end_headers()
    handler.wfile.write(body)


def _key(target: str) -> str:
    parts = urlsplit(target)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in _TIMES]
    return parts.path + (f"?{urlencode(query)}" if query else "")
