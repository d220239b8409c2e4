"""One trace to take along: as OTLP/JSON, which any receiver accepts, and as text for a terminal.

The beginning of its ID is enough where only one trace has it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable

import orjson
from django.http import HttpRequest, HttpResponse

from django_observe.console import hues, id_prefix, logsdata, queries, text_waterfall, tracesdata
from django_observe.console.instance import console_of


def as_json(request: HttpRequest, trace_id: str) -> HttpResponse:
    """GET /trace/<trace_id>.json: `resourceSpans` and `resourceLogs` in one object.

    It may be sent to /v1/traces and to /v1/logs as it is: each takes its own part.
    """

    def made(connection: sqlite3.Connection, key: bytes) -> HttpResponse:
        data = {**tracesdata.traces_data(connection, [key]), **logsdata.logs_data(connection, key)}
        name = f'attachment; filename="trace-{key.hex()}.json"'
        return HttpResponse(
            orjson.dumps(data), content_type="application/json", headers={"Content-Disposition": name}
        )

    return _of_trace(request, trace_id, made)


def as_text(request: HttpRequest, trace_id: str) -> HttpResponse:
    """GET /trace/<trace_id>.txt?width=&colour=1: the waterfall in characters."""
    width, coloured = request.GET.get("width", ""), request.GET.get("colour") == "1"
    columns = min(max(int(width), 60), 400) if re.fullmatch(r"[0-9]{1,4}", width) else 120

    def made(connection: sqlite3.Connection, key: bytes) -> HttpResponse:
        text = text_waterfall.drawn(
            queries.spans(connection, key),
            queries.trace_logs(connection, key),
            hues.assign(queries.services(connection)),
            columns,
            coloured=coloured,
        )
        return HttpResponse(text, content_type="text/plain; charset=utf-8")

    return _of_trace(request, trace_id, made)


def _of_trace(
    request: HttpRequest, trace_id: str, made: Callable[[sqlite3.Connection, bytes], HttpResponse]
) -> HttpResponse:
    if request.method not in ("GET", "HEAD"):
        return HttpResponse(status=405, headers={"Allow": "GET"})
    if not id_prefix.may_begin_trace(trace_id):
        return _told(
            400, "A trace ID has 32 hexadecimal digits; the first eight are the least that is taken."
        )
    with console_of(request).store.reading() as connection:
        found = id_prefix.trace_ids(connection, trace_id)
        if len(found) > 1:
            return _told(409, f"Several traces begin so: {', '.join(found)}")
        key = bytes.fromhex(found[0]) if found else b""
        if queries.trace(connection, key) is None:
            return _told(404, "This trace has not arrived, or was evicted because it was the oldest.")
        return made(connection, key)


def _told(status: int, reason: str) -> HttpResponse:
    return HttpResponse(f"{reason}\n", status=status, content_type="text/plain; charset=utf-8")
