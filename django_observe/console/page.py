"""What all pages share: the frame's context, reloading by ETag, and errors that say what to do."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from django_observe.console import destinations, formatting, hues, preferences, queries, timerange
from django_observe.console.instance import Console, console_of
from django_observe.console.static_files import VERSION
from django_observe.console.store import bytes_used

LOSSES: Final = frozenset({"trace_too_large", "late_for_evicted_trace", "invalid_records"})
"""Reasons for which records were received and not kept, other than age."""

_STEP_SECONDS: Final = 10
Reader = Callable[..., tuple[str, dict[str, Any]]]


def page(read: Reader) -> Callable[..., HttpResponse]:
    """Makes a view of a function `(request, connection, ...) -> (template, context)`.

    When nothing has arrived since the page was loaded it answers 304: live pages are cheap to poll.
    """

    @wraps(read)
    def view(request: HttpRequest, **arguments: str) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return failure(request, 405, "This page is only read.", "")
        try:
            with formatting.in_zone(preferences.zone(request)):
                return _answer(request, read, arguments)
        except sqlite3.OperationalError as fault:
            return failure(request, 503, "That took too long.", f"Narrow the filter and try again ({fault}).")
        except ValueError as fault:
            return failure(request, 400, "That cannot be shown.", str(fault))
        except Http404 as missing:
            return failure(request, 404, "Nothing here.", str(missing))

    return view


def _answer(request: HttpRequest, read: Reader, arguments: dict[str, str]) -> HttpResponse:
    console = console_of(request)
    with console.store.reading() as connection:
        totals = queries.totals(connection)
        shown = timerange.of(request.GET, connection)
        etag = _etag(request, console, totals, moves=shown.moves)
        if request.headers.get("If-None-Match") == etag:
            return HttpResponse(status=304, headers={"ETag": etag})
        template, context = read(request, connection, **arguments)
        frame = _frame(request, connection, totals, shown)
    response = render(request, template, {**frame, **context, "etag": etag})
    response.headers["ETag"] = etag
    return response


def _etag(request: HttpRequest, console: Console, totals: sqlite3.Row, *, moves: bool) -> str:
    """Weak, because the same page is sent compressed or not. A range that ends now is anew after 10 s."""
    counts = (console.intake.accepted(), console.intake.dropped())
    state = [VERSION, totals["updated_ns"], totals["last_span"], totals["last_log"], totals["spans"]]
    state.append(sum(sum(one.values()) for one in counts))
    state.append(preferences.zone(request) or "local")
    if moves:
        state.append(int(time.time() // _STEP_SECONDS))
    return 'W/"{}"'.format("-".join(map(str, state)))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """404 for addresses that no page has."""
    return failure(request, 404, "Nothing here.", "No page has this address.")


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django's signature
    """403 for a form that did not come from one of these pages, or from one of an earlier run."""
    return failure(request, 403, "That was not done.", "Reload the page that you came from and try again.")


def broken(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """503 for what the store could not read in time, 500 for a fault; in plain text, which asks no store."""
    fault = sys.exc_info()[1]
    status, text = 500, "The console failed. Its terminal tells where."
    if isinstance(fault, sqlite3.OperationalError):
        status, text = 503, f"The store could not be read ({fault}). Try again, or start the console anew."
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")


def failure(request: HttpRequest, status: int, title: str, advice: str) -> HttpResponse:
    """A page that says what went wrong and what to do."""
    with console_of(request).store.reading() as connection:
        frame = _frame(request, connection, queries.totals(connection), timerange.EVERYTHING)
    frame |= {"title": title, "advice": advice, "empty": False}
    return render(request, "console/failure.html", frame, status=status)


def _frame(
    request: HttpRequest, connection: sqlite3.Connection, totals: sqlite3.Row, shown: timerange.TimeRange
) -> dict[str, Any]:
    console = console_of(request)
    services = queries.services(connection)
    oldest_ns = totals["oldest_ns"]
    return {
        "version": VERSION,
        "console": console,
        "totals": totals,
        "empty": not totals["spans"] and not totals["logs"],
        "age": max(time.time_ns() - oldest_ns, 0) // 10**9 * 10**9 if oldest_ns else None,
        "bytes": bytes_used(connection),
        "not_kept": sum(count for reason, count in console.intake.dropped().items() if reason in LOSSES),
        "metric_requests": console.intake.accepted().get("metric_requests", 0),
        "refusal": console.intake.refusal,
        "snippet": destinations.of_console(console),
        "services": services,
        "hues": hues.assign(services),
        "range": shown,
        "ranges": timerange.choices(request.GET, shown),
        "other_pairs": timerange.other_pairs(request.GET),
        "utc": preferences.zone(request) is not None,
    }
