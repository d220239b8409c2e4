"""The WSGI application, watched from outside: what is left in the thread when an answer was closed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextvars import Context, copy_context
from typing import Any, cast
from urllib.parse import parse_qs

from django.core.wsgi import get_wsgi_application

from tests.conformance.project.kit import trace

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.conformance.project.settings")
trace()
_django = get_wsgi_application()


class Watched:
    """An answer's body; what the server's `wsgi.file_wrapper` made passes as it is (PEP 3333)."""

    def __init__(self, body: Any, key: str | None, before: Context) -> None:
        self.body = body
        self._close = getattr(body, "close", None)
        self._key = key
        self._before = before

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.body)

    def close(self) -> None:
        from tests.conformance.project.witness import left

        try:
            if self._close is not None:
                self._close()
        finally:
            left(self._key, self._before)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Django's, with a witness after it."""
    from tests.conformance.project import exchange

    key = parse_qs(environ.get("QUERY_STRING", "")).get("key", [None])[0]
    exchange.begin(environ.get("PATH_INFO", ""), key)
    before = copy_context()
    body = Watched(_django(environ, start_response), key, before)
    wrapper = environ.get("wsgi.file_wrapper")
    if not isinstance(wrapper, type) or not isinstance(body.body, wrapper):
        return body
    file: Any = body.body
    file.close = body.close  # the server closes what it made
    return cast("Iterable[bytes]", file)
