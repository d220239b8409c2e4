"""Calls to other services, by three clients, with secrets in every part; on error nobody answers."""

from __future__ import annotations

import logging
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import httpx
import requests

logger = logging.getLogger("canary")
_NOBODY = "http://127.0.0.1:9"
"""The discard port, on which nobody listens."""


def _call(url: str, fails: bool, headers: Mapping[str, str] | None = None, body: Any = None) -> None:
    base = _NOBODY if fails else os.environ["CANARY_PEER"]
    whole = url.replace("BASE", base.removeprefix("http://"))
    given = dict(headers or {})
    plain = urllib.request.Request(whole, headers=given, data=str(body).encode() if body else None)
    with suppress(OSError, ValueError):  # it takes no userinfo
        urllib.request.urlopen(plain, timeout=5).close()
    try:
        httpx.request("POST" if body else "GET", whole, headers=given, json=body, timeout=5)
    except httpx.HTTPError:
        logger.exception("the first client")
    requests.request("POST" if body else "GET", whole, headers=given, json=body, timeout=5)


CALLS: dict[str, Callable[[str, bool], Any]] = {
    "outbound: fragment": lambda value, fails: _call(f"http://BASE/ok#{value}", fails),
    "outbound: query": lambda value, fails: _call(f"http://BASE/ok?page={value}&access_token={value}", fails),
    "outbound: path segment": lambda value, fails: _call(f"http://BASE/services/{value}/send", fails),
    "outbound: userinfo": lambda value, fails: _call(f"http://shop:{value}@BASE/ok", fails),
    "outbound: headers": lambda value, fails: _call(
        "http://BASE/ok",
        fails,
        {"Authorization": f"Bearer {value}", "X-Api-Key": value, "Cookie": f"a={value}", "X-Shop": value},
    ),
    "outbound: the answer": lambda value, fails: _call("http://BASE/ok", fails, {"X-Answer": value}),
    "outbound: body": lambda value, fails: _call("http://BASE/v1/ok", fails, body={"note": value}),
}
