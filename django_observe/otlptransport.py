"""By what batches are sent: urllib3, or requests where the environment asks for what it knows (ADR 20)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from django_observe import conf
from django_observe.otlppool import Answer, Pool

_NETRC = ("~/.netrc", "~/_netrc")


class Transport(Protocol):
    """Posts to one receiver."""

    @property
    def passing(self) -> tuple[type[Exception], ...]:
        """What `post` raises for reasons that may be over with the next try."""

    def post(self, data: bytes, seconds: float) -> Answer:
        """Sends one body; follows no redirect, and unpacks nothing."""


Maker: TypeAlias = Callable[[str, str, Mapping[str, str]], Transport]
"""Takes a signal, the URL of its receiver and the headers of each request."""


def chosen(signal: str, url: str) -> Maker:
    """What makes the transport of `signal`; all that it needs is imported then.

    Raises:
        ValueError: it is no URL.
    """
    if _asks_for_requests(signal, url):
        from django_observe.otlpsession import Session

        return Session
    if url.lower().startswith("https:"):
        import certifi

        certifi.where()  # which imports more
    return Pool


def _asks_for_requests(signal: str, url: str) -> bool:
    """Whether there is a credential provider, a netrc or a proxy, or the URL has to be rewritten."""
    if conf.credential_provider(signal) or not url.isascii() or "@" in url:
        return True
    netrc = conf.environment("NETRC")
    if any(map(_exists, [netrc] if netrc else _NETRC)):
        return True
    parts = urlsplit(url)
    has_proxy = not {parts.scheme, "all"}.isdisjoint(getproxies())
    return has_proxy and not proxy_bypass(parts.hostname or "")


def _exists(path: str) -> bool:
    """As requests asks; pathlib raises where a home is another user's, as after a start by root."""
    return os.path.exists(os.path.expanduser(path))  # noqa: PTH110, PTH111 - see above
