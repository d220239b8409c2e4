"""Log lines after a cursor, for terminals: the answer waits until there is one."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from django.http import HttpRequest, HttpResponse

from django_observe.console import limits
from django_observe.console.api import log_document
from django_observe.console.instance import Console, console_of
from django_observe.console.severity import minimum

_WAIT_SECONDS: Final = 25
_PERIOD_SECONDS: Final = 0.25
_CONDITIONS: Final = {"service": "service=?", "correlation_id": "corr=?", "level": "sev>=?"}


@dataclass(frozen=True)
class _Wanted:
    """`after` is a row's number; None asks for the last `lines`."""

    after: int | None
    lines: int
    wait: int
    conditions: Mapping[str, object]


def tail(request: HttpRequest) -> HttpResponse:
    """GET /api/tail?after=&wait=&lines=&service=&level=&correlation_id=: oldest first, with the next cursor.

    Without `after` the last `lines` that match. It waits up to `wait` seconds (25 at most) for the first one.
    """
    console = console_of(request)
    try:
        wanted = _wanted(request)
    except ValueError as fault:
        return _json({"error": str(fault)}, 400)
    may_wait = wanted.after is not None and wanted.wait > 0 and console.feed.admit()
    try:
        rows, cursor = _await(console, wanted, wanted.wait if may_wait else 0)
    except sqlite3.OperationalError as fault:
        return _json({"error": f"that took too long ({fault})"}, 503)
    finally:
        if may_wait:
            console.feed.leave()
    return _json({"cursor": cursor, "logs": [log_document(row) for row in rows]})


def _wanted(request: HttpRequest) -> _Wanted:
    given = request.GET
    conditions: dict[str, object] = {name: given[name] for name in _CONDITIONS if given.get(name)}
    if "level" in conditions:
        conditions["level"] = minimum(str(conditions["level"]))
    numbers = {name: given.get(name, "") for name in ("after", "lines", "wait")}
    for name, text in numbers.items():
        if text and not (text.isascii() and text.isdigit() and len(text) <= 18):  # noqa: PLR2004 - below 2**63
            raise ValueError(f"{name}={text[:40]}: a whole number is accepted")
    return _Wanted(
        after=int(numbers["after"]) if numbers["after"] else None,
        lines=min(int(numbers["lines"] or 10), limits.PAGE_ROWS),
        wait=min(int(numbers["wait"] or 0), _WAIT_SECONDS),
        conditions=conditions,
    )


def _await(console: Console, wanted: _Wanted, seconds: float) -> tuple[list[sqlite3.Row], int]:
    deadline, seen, after = time.monotonic() + seconds, 0, wanted.after
    while True:
        with console.store.reading() as connection:
            rows, cursor = _read(connection, wanted, after)
        left = deadline - time.monotonic()
        if rows or left <= 0 or console.feed.closed:
            return rows, cursor
        after = cursor
        time.sleep(min(_PERIOD_SECONDS, left))
        seen = console.feed.wait(seen, max(deadline - time.monotonic(), 0))


def _read(
    connection: sqlite3.Connection, wanted: _Wanted, after: int | None
) -> tuple[list[sqlite3.Row], int]:
    last = connection.execute("SELECT coalesce(max(id), 0) FROM log").fetchone()[0]
    where = " AND ".join(["id>?", *(_CONDITIONS[name] for name in wanted.conditions)])
    values = list(wanted.conditions.values())
    if after is None:
        query = f"SELECT * FROM log WHERE {where} ORDER BY id DESC LIMIT ?"  # noqa: S608
        return connection.execute(query, [0, *values, wanted.lines]).fetchall()[::-1], last
    floor = after if after <= last else 0  # numbers begin anew when everything was cleared
    query = f"SELECT * FROM log WHERE {where} ORDER BY id LIMIT ?"  # noqa: S608
    rows = connection.execute(query, [floor, *values, limits.PAGE_ROWS]).fetchall()
    return rows, rows[-1]["id"] if len(rows) == limits.PAGE_ROWS else last


def _json(data: dict[str, Any], status: int = 200) -> HttpResponse:
    return HttpResponse(orjson.dumps(data), status=status, content_type="application/json")
