"""Requests as they come in life: no two alike in path, query, ID, parent, and few in agent and address."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from typing import Any
from uuid import UUID

from tests.benchmarks.cost.configurations import chosen

AGENTS, ADDRESSES = 97, 500
_GOLDEN = 0x9E3779B97F4A7C15F39CC0605CEDC834
"""Odd: multiplied by it, numbers in order give IDs that look drawn, and no two the same."""

Call = Callable[[int], None]


def headers(number: int) -> dict[str, str]:
    """What the request of that number has; a trace that is to be sampled here begins here."""
    found = {
        "Host": "shop.example:8000",
        "User-Agent": f"Mozilla/5.0 (X11; Linux x86_64; rv:{number % AGENTS}.0) Gecko/20100101",
        "Accept": "*/*",
        "X-Correlation-ID": UUID(int=_drawn(number), version=4).hex,
    }
    if not chosen().tenth:
        found["traceparent"] = f"00-{_drawn(number + 1):032x}-{_drawn(number + 2) >> 64 or 1:016x}-01"
    return found


def address(number: int) -> str:
    """The client's."""
    return f"10.0.{number % ADDRESSES // 250}.{number % 250 + 1}"


def wsgi(view: str) -> Call:
    """Calls that view as a WSGI server does."""
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()

    def call(number: int) -> None:
        environ = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": f"/{view}/{number}/",
            "QUERY_STRING": f"q={number}",
            "SERVER_NAME": "shop.example",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": address(number),
            "REMOTE_PORT": "51000",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
        }
        for name, value in headers(number).items():
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
        response = application(environ, _expect_ok)
        for _ in response:
            pass
        response.close()

    return call


def asgi(view: str) -> Call:
    """Calls that view as an ASGI server does, in a loop of its own."""
    from django.core.asgi import get_asgi_application

    application: Any = get_asgi_application()
    loop = asyncio.new_event_loop()

    async def ask(number: int) -> None:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": f"/{view}/{number}/",
            "raw_path": f"/{view}/{number}/".encode(),
            "query_string": f"q={number}".encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers(number).items()],
            "server": ("shop.example", 8000),
            "client": (address(number), 51000),
        }
        incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        incoming.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        await application(scope, incoming.get, _expect_ok_message)

    return lambda number: loop.run_until_complete(ask(number))


def task(step: str) -> Call:
    """A task's way, or its first step."""
    from tests.benchmarks.cost.celery import Pipeline

    call: Call = getattr(Pipeline(), step)
    return call


CALLS: dict[str, Callable[[], Call]] = {
    "json": lambda: wsgi("json"),
    "orm": lambda: wsgi("orm"),
    "outbound": lambda: wsgi("outbound"),
    "stream": lambda: wsgi("stream"),
    "async": lambda: asgi("async"),
    "task": lambda: task("publish_and_run"),
    "publish": lambda: task("publish"),
}
"""By the name of what is measured: what makes one request, or one task, of a number."""


def _drawn(number: int) -> int:
    return number * _GOLDEN % 2**128


def _expect_ok(status: str, _: Any) -> None:
    if not status.startswith("200"):
        raise RuntimeError(f"answered {status}")


async def _expect_ok_message(message: dict[str, Any]) -> None:
    if message.get("status", 200) != 200:
        raise RuntimeError(f"answered {message['status']}")
