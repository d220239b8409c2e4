"""A lost HTTP service: nothing listens where its URL points, for clients built on urllib3 (requests is)."""

import errno
import os
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import NewConnectionError

from demo_services.faults.board import board


def install() -> None:
    """Give every pool, of today and later, connections that can be lost."""
    HTTPConnectionPool.ConnectionCls = LosableConnection


class LosableConnection(HTTPConnection):
    """A connection that is refused, and closed if it was open, while the service at its other end is lost."""

    def connect(self) -> None:
        """Connect; NewConnectionError as from a host where nothing listens."""
        if self._is_lost():
            reason = f"[Errno {errno.ECONNREFUSED}] {os.strerror(errno.ECONNREFUSED)}"
            raise NewConnectionError(self, f"Failed to establish a new connection: {reason}")
        super().connect()

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request; a lost service ends connections that were kept open, so that they are made anew."""
        if self._is_lost():
            self.close()
        super().request(*args, **kwargs)

    def _is_lost(self) -> bool:
        lost = board().faults().dependency
        return bool(lost) and (self.host, self.port) in {_place(name) for name in lost}


def _place(dependency: str) -> tuple[str | None, int | None]:
    """Host and port of `dependency`, whose URL is in the settings as <DEPENDENCY>_URL."""
    parts = urlsplit(getattr(settings, f"{dependency.upper()}_URL", ""))
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
