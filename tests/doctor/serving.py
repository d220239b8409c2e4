"""The tests' project behind a real server in this process, and a proxy before it."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.core.wsgi import get_wsgi_application

from tests.doctor.answering import Answering, Asked, Told
from tests.doctor.listening import listening

_HOP_BY_HOP = {"connection", "content-length", "host", "transfer-encoding"}


@contextmanager
def served() -> Iterator[str]:
    """The URL of the project with the settings of this moment."""
    server = make_server("127.0.0.1", 0, get_wsgi_application(), _Server, _Handler)
    with listening(server) as url:
        yield url


def proxy(
    url: str,
    *,
    without: tuple[str, ...] = (),
    adding: Mapping[str, str] | None = None,
    answers_without: tuple[str, ...] = (),
    server: Mapping[str, str] = {"Server": "nginx/1.22.1"},
) -> Answering:
    """Passes requests on to `url`, without some headers and with others; as HAProxy with `server` empty."""
    answer = _passed(url, {name.lower() for name in without}, adding or {})

    def told(asked: Asked) -> Told:
        found = answer(asked)
        kept = {name: value for name, value in found.headers.items() if name not in answers_without}
        return Told(found.status, {**kept, **server}, found.body)

    return Answering(told)


def _passed(url: str, without: set[str], adding: Mapping[str, str]) -> Callable[[Asked], Told]:
    parts = urlsplit(url)

    def answer(asked: Asked) -> Told:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        headers = {
            name: value for name, value in asked.headers.items() if name.lower() not in _HOP_BY_HOP | without
        }
        try:
            connection.request(asked.method, asked.path, headers={**headers, **adding})
            response = connection.getresponse()
            kept = {name: value for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP}
            return Told(response.status, kept, response.read())
        finally:
            connection.close()

    return answer


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name for it
        """Says nothing."""
