"""Server-sent events: that something was stored, and of which traces; pages then fetch what they show.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import re
import select
import socket
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import orjson
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from django_observe.console.instance import CONNECTION_KEY, Console, console_of

_CURSOR: Final = re.compile(r"(\d{1,18})-(\d{1,18})")
_TRACES: Final = 50
_PERIOD_SECONDS: Final = 0.25
_HEARTBEAT_SECONDS: Final = 15.0
_LOOK_SECONDS: Final = 1.0
_RECONNECT_MS: Final = 2000
_READ: Final = 5_000
_CHANGED: Final = f"""SELECT DISTINCT trace_id FROM
  (SELECT trace_id FROM (SELECT trace_id FROM span WHERE id>:span ORDER BY id DESC LIMIT {_READ})
   UNION ALL SELECT trace_id FROM (SELECT trace_id FROM log WHERE id>:log ORDER BY id DESC LIMIT {_READ}))
  WHERE trace_id IS NOT NULL LIMIT :most"""  # noqa: S608


@dataclass(frozen=True)
class Cursor:
    """Up to where someone has been told: the latest row of each table."""

    span: int = 0
    log: int = 0

    def __str__(self) -> str:
        return f"{self.span}-{self.log}"


def events(request: HttpRequest) -> HttpResponseBase:
    """GET /events: resumes after `Last-Event-ID`; 503 when all places are taken, and pages poll then."""
    console = console_of(request)
    if request.method != "GET":
        return HttpResponse(status=405, headers={"Allow": "GET"})
    if not console.feed.admit():
        return HttpResponse(status=503, headers={"Retry-After": "30"})
    resumed = _CURSOR.fullmatch(request.headers.get("Last-Event-ID", ""))
    cursor = Cursor(int(resumed[1]), int(resumed[2])) if resumed else None
    stream = _Stream(console, request.META.get(CONNECTION_KEY), cursor)
    # an encoding is named so that the stream is not compressed: that would hold messages back
    return StreamingHttpResponse(
        stream, content_type="text/event-stream", headers={"Content-Encoding": "identity"}
    )


class _Stream:
    """The messages of one connection: at most four a second, and a comment every 15 s when there are none."""

    def __init__(self, console: Console, connection: socket.socket | None, cursor: Cursor | None) -> None:
        self._console = console
        self._connection = connection
        self._cursor = cursor
        self._seen = 0
        self._admitted = True

    def __iter__(self) -> Iterator[bytes]:
        first, self._cursor = self._cursor, self._cursor or self._latest()
        yield f"retry: {_RECONNECT_MS}\n".encode() + (_message(self._cursor, []) if first is None else b"\n")
        told = time.monotonic()
        while not self._console.feed.closed and not _is_gone(self._connection):
            if message := self._news():
                yield message
                told = time.monotonic()
                time.sleep(_PERIOD_SECONDS)
            elif time.monotonic() - told > _HEARTBEAT_SECONDS:
                yield b":\n\n"
                told = time.monotonic()
            else:
                self._seen = self._console.feed.wait(self._seen, _LOOK_SECONDS)

    def close(self) -> None:
        """Gives the place back, whether or not anything was read."""
        if self._admitted:
            self._admitted = False
            self._console.feed.leave()

    def _latest(self) -> Cursor:
        with self._console.store.reading() as connection:
            return latest(connection)

    def _news(self) -> bytes:
        with self._console.store.reading() as connection:
            cursor, before = latest(connection), self._cursor
            if before is None or cursor == before:
                return b""
            changed = connection.execute(_CHANGED, {**before.__dict__, "most": _TRACES + 1}).fetchall()
        self._cursor = cursor
        unread = max(cursor.span - before.span, cursor.log - before.log) > _READ
        return _message(cursor, [row[0].hex() for row in changed], more=unread)


def latest(connection: sqlite3.Connection) -> Cursor:
    """Where the tables end now."""
    ids = (connection.execute(f"SELECT max(id) FROM {table}").fetchone()[0] for table in ("span", "log"))  # noqa: S608
    return Cursor(*(number or 0 for number in ids))


def _message(cursor: Cursor, traces: list[str], *, more: bool = False) -> bytes:
    """`more` says that the list of traces is not all of them."""
    data = {"cursor": cursor.__dict__, "traces": traces[:_TRACES], "more": more or len(traces) > _TRACES}
    return f"id: {cursor}\ndata: {orjson.dumps(data).decode()}\n\n".encode()


def _is_gone(connection: socket.socket | None) -> bool:
    """Whether the peer has hung up: otherwise the place stays taken until the next heartbeat."""
    if connection is None:
        return False
    try:
        readable, _, _ = select.select([connection], [], [], 0)
        return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True
