"""Rows of incoming requests: the WSGI environ that gunicorn makes, the ASGI scope that uvicorn makes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from tests.differential.rows import Row
from tests.differential.spans import REMOTE

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0"


def wsgi(path: str, method: str = "GET", **environ: Any) -> None:
    """One request through the project's WSGI application, body and all."""
    from django.core.handlers.wsgi import WSGIHandler
    from django.test import RequestFactory

    given = RequestFactory().generic("GET", path).environ
    given |= {"REQUEST_METHOD": method, "RAW_URI": path, "HTTP_HOST": "testserver", "SERVER_PORT": "8000"}
    given = {name: value for name, value in (given | environ).items() if value is not None}
    response = WSGIHandler()(given, lambda *_: lambda _: None)
    try:
        with suppress(LookupError):
            b"".join(response)
    finally:
        response.close()


def asgi(path: str, method: str = "GET", headers: dict[str, str] | None = None, **scope: Any) -> None:
    """The same through the ASGI application."""
    from django.core.handlers.asgi import ASGIHandler

    path, _, query = path.partition("?")
    sent = {"host": "testserver", **(headers or {})}
    given = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        "client": ("127.0.0.1", 51_000),
        "server": ("127.0.0.1", 8000),
    }

    async def run() -> None:
        incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        incoming.put_nowait({"type": "http.request", "body": b"", "more_body": False})

        async def send(message: Mapping[str, Any]) -> None:
            pass

        with suppress(LookupError):
            await ASGIHandler()(given | scope, incoming.get, send)

    asyncio.run(run())


def inside(work: Callable[[], None]) -> None:
    """The work while another span is current."""
    from opentelemetry import trace

    with trace.get_tracer("shop").start_as_current_span("outer"):
        work()


def by_default(work: Callable[[], None]) -> None:
    """The work under our defaults, which tell less of persons."""
    from django.test import override_settings

    with override_settings(DJANGO_OBSERVE={"WORKER_METRICS_PORT": None}):
        work()


METHODS = ("POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "QUERY", "PURGE", "get", " GET ")
QUERIES = ("status=204", "status=302", "status=404", "status=503", "q=books&page=2", "q=", "q", "a=1&a=2")
FAILURES = ("error", "404", "403", "400", "chained")
CLIENT = {"REMOTE_ADDR": "10.1.2.3", "REMOTE_PORT": "51000", "HTTP_USER_AGENT": BROWSER}

ENVIRONS: dict[str, dict[str, Any]] = {
    "port in Host": {"HTTP_HOST": "testserver:8443", "SERVER_PORT": "8443"},
    "https": {"wsgi.url_scheme": "https", "SERVER_PORT": "443"},
    "IPv6 host": {"HTTP_HOST": "[::1]:8000"},
    "bad host": {"HTTP_HOST": "evil.example"},
    "no host": {"HTTP_HOST": None},
    "browser": {"HTTP_USER_AGENT": BROWSER},
    "bot": {"HTTP_USER_AGENT": "Googlebot/2.1"},
    "test agent": {"HTTP_USER_AGENT": "AlwaysOn"},
    "client": CLIENT,
    "client IPv6": {"REMOTE_ADDR": "2001:db8:1:2::3", "REMOTE_PORT": "51000"},
    "forwarded": {"HTTP_X_FORWARDED_FOR": "203.0.113.7, 10.0.0.1"},
    "HTTP/1.0": {"SERVER_PROTOCOL": "HTTP/1.0"},
    "HTTP/2": {"SERVER_PROTOCOL": "HTTP/2"},
    "continued trace": {"HTTP_TRACEPARENT": REMOTE},
    "trace of a stranger": {"HTTP_TRACEPARENT": REMOTE, "REMOTE_ADDR": "203.0.113.9"},
    "not sampled": {"HTTP_TRACEPARENT": REMOTE[:-1] + "0"},
    "tracestate": {"HTTP_TRACEPARENT": REMOTE, "HTTP_TRACESTATE": "vendor=1"},
    "broken traceparent": {"HTTP_TRACEPARENT": "00-" + "0" * 32 + "-" + "0" * 16 + "-01"},
    "no RAW_URI": {"RAW_URI": None},
}
PATHS = ("/orders/", "/orders/17/", "/old/books/", "/within/deep/a-title/", "/nowhere/", "/", "/orders")
WORK = ("/async/", "/stream/", "/broken/", "/work/", "/annotate/", "/rename/", "/refuse/", "/orders/99/")

_WSGI: dict[str, Callable[[], None]] = {
    **{f"GET {path}": partial(wsgi, path) for path in (*PATHS, *WORK)},
    **{f"{method!r} /orders/": partial(wsgi, "/orders/", method) for method in METHODS},
    **{f"GET /orders/?{query}": partial(wsgi, f"/orders/?{query}") for query in QUERIES},
    **{f"GET /fail/{how}/": partial(wsgi, f"/fail/{how}/") for how in FAILURES},
    **{name: partial(wsgi, "/orders/", **environ) for name, environ in ENVIRONS.items()},
    "POST /nowhere/?q=1": partial(wsgi, "/nowhere/?q=1", "POST"),
    "no RAW_URI, with a query": partial(wsgi, "/orders/?q=1", RAW_URI=None),
    "a failure in a continued trace": partial(wsgi, "/fail/error/", HTTP_TRACEPARENT=REMOTE),
    "inside of another span": partial(inside, partial(wsgi, "/orders/")),
    "by our defaults": partial(by_default, partial(wsgi, "/orders/", **CLIENT)),
}
_ASGI: dict[str, Callable[[], None]] = {
    **{f"GET {path}": partial(asgi, path) for path in (*PATHS, "/async/", "/stream/", "/orders/?q=1")},
    **{f"{method} /orders/": partial(asgi, "/orders/", method) for method in ("POST", "PURGE")},
    **{f"GET /fail/{how}/": partial(asgi, f"/fail/{how}/") for how in ("error", "404")},
    "https": partial(asgi, "/orders/", scheme="https"),
    "HTTP/2": partial(asgi, "/orders/", http_version="2"),
    "browser": partial(asgi, "/orders/", headers={"user-agent": BROWSER}),
    "continued trace": partial(asgi, "/orders/", headers={"traceparent": REMOTE}),
    "not sampled": partial(asgi, "/orders/", headers={"traceparent": REMOTE[:-1] + "0"}),
}
_SILENT = {"not sampled"}

ROWS = [
    *(Row("server", f"WSGI {name}", work, silent=name in _SILENT) for name, work in _WSGI.items()),
    *(Row("server", f"ASGI {name}", work, silent=name in _SILENT) for name, work in _ASGI.items()),
]
