"""HTTP connections with one deadline for an exchange, however slowly the peer takes and answers it.

The timeouts of urllib3 are for each read: a peer that drips a byte now and then holds its client for ever.
"""

from __future__ import annotations

import http.client
import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from time import monotonic
from typing import Any, Final

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_BLOCK = 65_536
_deadline: ContextVar[float] = ContextVar("django_observe_deadline", default=inf)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """What is sent and read within takes that long at most; then it is a TimeoutError."""
    token = _deadline.set(monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def _limit(connection: socket.socket) -> None:
    """Raises TimeoutError when the deadline is over; else the next operation has what is left."""
    left = _deadline.get() - monotonic()
    if left <= 0:
        raise TimeoutError("the exchange took too long")
    if left < inf:
        connection.settimeout(left)


class _Bytes(io.RawIOBase):
    """What comes from a socket until the deadline."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._raw = connection.makefile("rb", buffering=0)
        self.has_ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        _limit(self._connection)
        count = self._raw.readinto(buffer)
        self.has_ended = count == 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Readable:
    """Stands for a socket where http.client makes a file of it."""

    def __init__(self, connection: socket.socket) -> None:
        self.bytes = _Bytes(connection)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self.bytes)


class _Answer(http.client.HTTPResponse):
    """An answer that must have a whole head: http.client takes the end of a connection for that of a head."""

    def __init__(self, connection: socket.socket, *args: Any, **kwargs: Any) -> None:
        readable = _Readable(connection)
        super().__init__(readable, *args, **kwargs)  # type: ignore[arg-type]
        self._bytes = readable.bytes

    def begin(self) -> None:
        super().begin()
        if self._bytes.has_ended:
            raise http.client.RemoteDisconnected("the connection ended within the answer's head")


class _Timed:
    """Mixed into urllib3's connections."""

    response_class: Any = _Answer
    sock: Any

    def send(self, data: Any) -> None:
        """In blocks: a TLS socket's `sendall` begins a timeout anew for each record."""
        if not isinstance(data, bytes):
            super().send(data)  # type: ignore[misc]
            return
        view = memoryview(data)
        for start in range(0, max(len(view), 1), _BLOCK):
            if self.sock is not None:  # else it is opened
                _limit(self.sock)
            super().send(view[start : start + _BLOCK])  # type: ignore[misc]


class _TimedHTTPConnection(_Timed, HTTPConnection):
    pass


class _TimedHTTPSConnection(_Timed, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _TimedHTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _TimedHTTPSConnection


POOLS: Final = {"http": _HTTPPool, "https": _HTTPSPool}
"""By scheme; what they send and read keeps to `deadline`."""
