"""The console's own JSON: log lines, IDs and its status."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from django_observe.console import id_prefix, queries
from django_observe.console.instance import console_of
from django_observe.console.log_filters import log_filter
from django_observe.console.masking import masked
from django_observe.console.severity import level_name
from django_observe.console.store import bytes_used


def logs(request: HttpRequest) -> HttpResponse:
    """GET /api/logs?correlation_id=&trace_id=&service=&level=&q=&limit=: newest first."""
    try:
        wanted = log_filter(request.GET)
    except ValueError as fault:
        return _json({"error": str(fault)}, 400)
    with console_of(request).store.reading() as connection:
        return _json({"logs": [log_document(row) for row in queries.logs(connection, wanted)]})


def ids(request: HttpRequest) -> HttpResponse:
    """GET /api/ids?prefix=: the first correlation IDs and traces that begin so; eight characters at least."""
    with console_of(request).store.reading() as connection:
        return _json({"ids": list(id_prefix.addresses(connection, request.GET.get("prefix", "")))})


def status(request: HttpRequest) -> HttpResponse:
    """GET /api/status: what is stored, received, dropped and refused."""
    console = console_of(request)
    with console.store.reading() as connection:
        totals, used = queries.totals(connection), bytes_used(connection)
    refusal = console.intake.refusal
    return _json(
        {
            "endpoint": console.otlp_url,
            "stored": {key: totals[key] for key in ("traces", "spans", "logs")},
            "oldest": rfc3339(totals["oldest_ns"]) if totals["oldest_ns"] else None,
            "bytes": used,
            "limits": {
                "spans": console.retention.spans,
                "logs": console.retention.logs,
                "hours": console.retention.seconds / 3600,
                "bytes": console.retention.bytes,
            },
            "accepted": console.intake.accepted(),
            "dropped": console.intake.dropped(),
            "last_refusal": refusal and {"status": refusal.status, "reason": refusal.reason},
            "streams": console.feed.streams,
            "uptime_seconds": round(time.time() - console.started, 1),
        }
    )


def rfc3339(time_ns: int) -> str:
    """UTC with microseconds; a time that no calendar knows is the epoch."""
    try:
        moment = datetime.fromtimestamp(time_ns // 10**9, tz=timezone.utc)
    except (OverflowError, ValueError, OSError):
        moment = datetime.fromtimestamp(0, tz=timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ns % 10**9 // 1000:06d}Z"


def log_document(row: Any) -> dict[str, Any]:
    """A log line as the API tells it."""
    return {
        "timestamp": rfc3339(row["ts"]),
        "service": row["service"],
        "level": level_name(row["sev"]),
        "logger": row["logger"],
        "message": row["body"],
        "correlation_id": row["corr"],
        "trace_id": row["trace_id"].hex() if row["trace_id"] else None,
        "span_id": row["span_id"].hex() if row["span_id"] else None,
        "attributes": masked(orjson.loads(row["attrs"])),
    }


def _json(data: dict[str, Any], status_code: int = 200) -> HttpResponse:
    return HttpResponse(orjson.dumps(data), status=status_code, content_type="application/json")
