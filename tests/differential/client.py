"""Rows of outgoing requests, by each library that OpenTelemetry has an instrumentation of here."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial

from tests.differential.rows import Row


def _target(what: str) -> str:
    """A URL of the service that both sides call, or of one that is not there."""
    if what == "refused":
        return f"{os.environ['REFUSING']}/200"
    if what == "userinfo":
        return os.environ["SERVICE"].replace("http://", "http://ada:hunter2@") + "/200"
    return f"{os.environ['SERVICE']}/{what}"


def by_requests(what: str, method: str, seconds: float) -> None:
    import requests

    requests.request(method, _target(what), timeout=seconds)


def by_session(what: str, method: str, seconds: float) -> None:
    """Two calls on one connection."""
    import requests

    with requests.Session() as session:
        for _ in range(2):
            session.request(method, _target(what), timeout=seconds)


def by_urllib3(what: str, method: str, seconds: float) -> None:
    import urllib3

    with urllib3.PoolManager(retries=urllib3.Retry(connect=0, read=0, redirect=3)) as pool:
        pool.request(method, _target(what), timeout=seconds)


def by_httpx(what: str, method: str, seconds: float) -> None:
    import httpx

    with httpx.Client(timeout=seconds, trust_env=False, follow_redirects=True) as client:
        client.request(method, _target(what))


def by_httpx_async(what: str, method: str, seconds: float) -> None:
    import httpx

    async def call() -> None:
        async with httpx.AsyncClient(timeout=seconds, trust_env=False, follow_redirects=True) as client:
            await client.request(method, _target(what))

    asyncio.run(call())


def tolerant(library: Callable[[str, str, float], None], what: str, method: str) -> None:
    """The call, whatever becomes of it: a failure of the library's is part of the row."""
    errors: tuple[type[Exception], ...] = (OSError,)
    if library in (by_httpx, by_httpx_async):
        import httpx

        errors = (httpx.HTTPError,)
    elif library is by_urllib3:
        import urllib3

        errors = (urllib3.exceptions.HTTPError,)
    try:
        library(what, method, 0.2 if what == "slow" else 5)
    except errors:
        assert what in ("slow", "refused"), what


LIBRARIES = {
    "requests": by_requests,
    "requests' Session": by_session,
    "urllib3": by_urllib3,
    "httpx": by_httpx,
    "httpx async": by_httpx_async,
}
CALLS = {
    **{what: (what, "GET") for what in ("200", "404", "500", "refused", "slow", "userinfo", "200?q=1&key=2")},
    "redirect": ("redirect", "GET"),
    "POST": ("200", "POST"),
    "odd method": ("200", "PURGE"),
}
ROWS = [
    Row("client", f"{library}, {name}", partial(tolerant, LIBRARIES[library], what, method))
    for library in LIBRARIES
    for name, (what, method) in CALLS.items()
]
