"""What all pages share: the frame's context, live reloading by ETag, and errors that say what to do."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from django_observe.console import hues, queries
from django_observe.console.instance import Console, console_of
from django_observe.console.static_files import VERSION
from django_observe.console.store import bytes_used

Reader = Callable[..., tuple[str, dict[str, Any]]]


def page(read: Reader) -> Callable[..., HttpResponse]:
    """Makes a view of a function `(request, connection, ...) -> (template, context)`.

    When nothing has arrived since the page was loaded it answers 304: live pages are cheap to poll.
    """

    @wraps(read)
    def view(request: HttpRequest, **arguments: str) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return _failure(request, 405, "This page is only read.", "")
        try:
            return _answer(request, read, arguments)
        except sqlite3.OperationalError as fault:
            return _failure(
                request, 503, "That took too long.", f"Narrow the filter and try again ({fault})."
            )
        except ValueError as fault:
            return _failure(request, 400, "That cannot be shown.", str(fault))
        except Http404 as missing:
            return _failure(request, 404, "Nothing here.", str(missing))

    return view


def _answer(request: HttpRequest, read: Reader, arguments: dict[str, str]) -> HttpResponse:
    console = console_of(request)
    with console.store.reading() as connection:
        totals = queries.totals(connection)
        etag = _etag(console, totals)
        if request.headers.get("If-None-Match") == etag:
            return HttpResponse(status=304, headers={"ETag": etag})
        template, context = read(request, connection, **arguments)
        frame = _frame(console, connection, totals)
    response = render(request, template, {**frame, **context, "etag": etag})
    response.headers["ETag"] = etag
    return response


def _etag(console: Console, totals: sqlite3.Row) -> str:
    """Weak, because the same page is sent compressed or not."""
    refused = console.intake.accepted().get("refused_requests", 0)
    return f'W/"{VERSION}-{totals["updated_ns"]}-{totals["last_span"]}-{totals["last_log"]}-{refused}"'


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """404 for addresses that no page has."""
    return _failure(request, 404, "Nothing here.", "The pages are Traces and Logs.")


def _failure(request: HttpRequest, status: int, title: str, advice: str) -> HttpResponse:
    console = console_of(request)
    with console.store.reading() as connection:
        frame = _frame(console, connection, queries.totals(connection))
    return render(request, "console/failure.html", {**frame, "title": title, "advice": advice}, status=status)


def _frame(console: Console, connection: sqlite3.Connection, totals: sqlite3.Row) -> dict[str, Any]:
    services = queries.services(connection)
    refusal = console.intake.refusal
    oldest_ns = totals["oldest_ns"]
    return {
        "version": VERSION,
        "console": console,
        "totals": totals,
        "empty": not totals["spans"] and not totals["logs"],
        "age": max(time.time_ns() - oldest_ns, 0) // 10**9 * 10**9 if oldest_ns else None,
        "bytes": bytes_used(connection),
        "not_kept": sum(count for reason, count in console.intake.dropped().items() if reason in _LOSSES),
        "metric_requests": console.intake.accepted().get("metric_requests", 0),
        "refusal": refusal,
        "services": services,
        "hues": hues.assign(services),
    }


_LOSSES = frozenset({"trace_too_large", "late_for_evicted_trace", "invalid_records"})
