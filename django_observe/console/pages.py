"""The pages: traces, one trace, logs, and everything of one correlation ID."""

from __future__ import annotations

import re
import sqlite3
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect

from django_observe.console import detail, hues, queries, waterfall
from django_observe.console.instance import console_of
from django_observe.console.log_filters import log_filter
from django_observe.console.page import page
from django_observe.console.severity import LEVELS
from django_observe.console.trace_list import listed, trace_filter

_INLINE_LINES: Final = 300
_TRACE_ID: Final = re.compile(r"[0-9a-fA-F]{32}")


def home(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """The trace list is where one starts."""
    return HttpResponseRedirect("/traces")


@page
def traces(request: HttpRequest, connection: sqlite3.Connection) -> tuple[str, dict[str, Any]]:
    """GET /traces."""
    wanted = trace_filter(request.GET)
    rows = queries.traces(connection, wanted)
    active = {key: value for key, value in request.GET.items() if value and key != "before"}
    more = ""
    if len(rows) == wanted.limit:
        more = urlencode({**active, "before": rows[-1]["listed_ns"]})
    context = {
        "traces": listed(rows),
        "filter": request.GET,
        "active": active,
        "more": more,
        "live": not wanted.before,
    }
    return "console/traces.html", {**context, "nav": "traces"}


@page
def trace(request: HttpRequest, connection: sqlite3.Connection, trace_id: str) -> tuple[str, dict[str, Any]]:
    """GET /trace/<trace_id>, `?span=` opens one span of a trace too large to have all of them open."""
    if not _TRACE_ID.fullmatch(trace_id):
        raise ValueError(f"{trace_id[:64]} is not a trace ID; it has 32 hexadecimal digits.")
    key = bytes.fromhex(trace_id)
    summary = queries.trace(connection, key)
    if summary is None:
        raise Http404("This trace has not arrived, or was evicted because it was the oldest.")
    spans, logs = queries.spans(connection, key), queries.trace_logs(connection, key)
    built = waterfall.build(spans, logs, hues.assign(queries.services(connection)))
    inline = len(built.lines) <= _INLINE_LINES
    opened = request.GET.get("span", "")
    shown = [line for line in built.lines if inline or line.id == opened]
    details = _details(connection, shown, built.start_ns)
    context = {
        "trace_id": trace_id.lower(),
        "summary": summary,
        "waterfall": built,
        "map": waterfall.overview(built.lines),
        "inline": inline,
        "opened": opened,
        "lines": [(line, details.get(line.id)) for line in built.lines],
        "live": True,
        "nav": "traces",
    }
    return "console/trace.html", context


@page
def logs(request: HttpRequest, connection: sqlite3.Connection) -> tuple[str, dict[str, Any]]:
    """GET /logs?correlation_id=&trace_id=&service=&level=&q=."""
    wanted = log_filter(request.GET)
    active = {key: value for key, value in request.GET.items() if value}
    rows = queries.logs(connection, wanted)
    context = {
        "logs": _log_lines(connection, rows),
        "filter": request.GET,
        "active": active,
        "levels": list(LEVELS),
        "full": len(rows) == wanted.limit,
        "live": True,
        "nav": "logs",
    }
    return "console/logs.html", context


@page
def correlation(
    request: HttpRequest,  # noqa: ARG001 - the decorator's signature
    connection: sqlite3.Connection,
    correlation_id: str,
) -> tuple[str, dict[str, Any]]:
    """GET /c/<correlation_id>: every trace and every log line that carries this ID."""
    found = queries.traces(connection, queries.TraceFilter(correlation_id=correlation_id, limit=200))
    rows = queries.logs(connection, queries.LogFilter(correlation_id=correlation_id, limit=500))
    touched = {service for row in found for service in orjson.loads(row["services"])} | {
        row["service"] for row in rows
    }
    starts = [row["start_ns"] for row in found] + [row["ts"] for row in rows]
    ends = [row["end_ns"] for row in found] + [row["ts"] for row in rows]
    context = {
        "correlation_id": correlation_id,
        "traces": listed(found),
        "logs": _log_lines(connection, rows[::-1]),
        "touched": sorted(touched),
        "started_ns": min(starts, default=0),
        "wall_ns": max(ends, default=0) - min(starts, default=0),
        "errors": sum(row["errors"] for row in found),
        "live": True,
        "nav": "",
    }
    return "console/correlation.html", context


def search(request: HttpRequest) -> HttpResponse:
    """GET /search?q=: recognises a trace ID or a correlation ID; anything else is looked for in the logs."""
    text = request.GET.get("q", "").strip()
    with console_of(request).store.reading() as connection:
        if _TRACE_ID.fullmatch(text) and queries.trace(connection, bytes.fromhex(text)):
            return HttpResponseRedirect(f"/trace/{text.lower()}")
        known = text and (
            queries.traces(connection, queries.TraceFilter(correlation_id=text, limit=1))
            or queries.logs(connection, queries.LogFilter(correlation_id=text, limit=1))
        )
    return HttpResponseRedirect(f"/c/{quote(text, safe='')}" if known else f"/logs?{urlencode({'q': text})}")


def _details(
    connection: sqlite3.Connection, lines: list[waterfall.Line], start_ns: int
) -> dict[str, detail.Detail]:
    records = [line for line in lines if line.record is not None]
    resources = queries.resources(connection, (line.record["resource"] for line in records))
    return {
        line.id: detail.of_log(line.record, resources[line.record["resource"]])
        if line.kind == "log"
        else detail.of_span(line.record, start_ns, resources[line.record["resource"]])
        for line in records
    }


def _log_lines(connection: sqlite3.Connection, rows: list[sqlite3.Row]) -> list[dict[str, Any]]:
    resources = queries.resources(connection, (row["resource"] for row in rows))
    lines = waterfall.log_lines(rows, hues.assign(queries.services(connection)))
    return [
        {"line": line, "row": row, "detail": detail.of_log(row, resources[row["resource"]])}
        for line, row in zip(lines, rows, strict=True)
    ]
