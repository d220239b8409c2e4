"""Views of the group out: one request by the HTTP client that is asked for, as its documentation has it."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import httpx
import requests
import urllib3
from django.http import HttpRequest, HttpResponse
from django.urls import path
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests.conformance.project.witness import witness

RETRY = Retry(total=3, status_forcelist=[503], backoff_factor=0)
Fetch = Callable[[str, str, dict[str, str]], int]


def again(once: Callable[[], int]) -> int:
    """What callers do where a client has no retry of its own."""
    status = once()
    return once() if status == 503 else status


def by_requests(key: str, url: str, headers: dict[str, str]) -> int:
    return again(lambda: requests.get(url, headers=headers, timeout=10).status_code)


def by_session(key: str, url: str, headers: dict[str, str]) -> int:
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=RETRY))
        session.headers.update(headers)
        return session.get(url, timeout=10).status_code


def by_urllib3(key: str, url: str, headers: dict[str, str]) -> int:
    with urllib3.PoolManager(retries=RETRY) as pool:
        return pool.request("GET", url, headers=headers, timeout=10).status


def by_httpx(key: str, url: str, headers: dict[str, str]) -> int:
    """Its transport tries again only where a connection was refused; `trace` is told so."""

    def told(event: str, _: Any) -> None:
        if event == "connection.connect_tcp.failed":
            witness(key, "refused")

    transport = httpx.HTTPTransport(retries=3)
    with httpx.Client(transport=transport, follow_redirects=True, timeout=10) as client:
        return client.get(url, headers=headers, extensions={"trace": told}).status_code


async def by_async_httpx(key: str, url: str, headers: dict[str, str]) -> int:
    async def told(event: str, _: Any) -> None:
        if event == "connection.connect_tcp.failed":
            witness(key, "refused")

    transport = httpx.AsyncHTTPTransport(retries=3)
    async with httpx.AsyncClient(transport=transport, follow_redirects=True, timeout=10) as client:
        return (await client.get(url, headers=headers, extensions={"trace": told})).status_code


def by_urllib(key: str, url: str, headers: dict[str, str]) -> int:
    request = urllib.request.Request(url, headers=headers)

    def once() -> int:
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    return again(once)


FETCHES: dict[str, Fetch] = {
    "requests": by_requests,
    "requests.Session": by_session,
    "urllib3": by_urllib3,
    "httpx": by_httpx,
    "urllib.request": by_urllib,
}
"""By column; `httpx async` has a view of its own."""


def fetch(request: HttpRequest) -> HttpResponse:
    """`?client=` fetches `?url=`, with a header of the caller's own where `?own=` gives one."""
    key = request.GET["key"]
    witness(key, "before")
    status = FETCHES[request.GET["client"]](key, request.GET["url"], _own(request))
    witness(key, "view")
    return HttpResponse(str(status))


async def afetch(request: HttpRequest) -> HttpResponse:
    key = request.GET["key"]
    witness(key, "before")
    status = await by_async_httpx(key, request.GET["url"], _own(request))
    await asyncio.sleep(0)
    witness(key, "view")
    return HttpResponse(str(status))


def _own(request: HttpRequest) -> dict[str, str]:
    return {"X-Correlation-ID": request.GET["own"]} if "own" in request.GET else {}


urlpatterns = [path("", fetch), path("async/", afetch)]
