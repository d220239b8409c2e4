"""One service: its rates over time, its operations, and the SQL that takes its time."""

from __future__ import annotations

import sqlite3
from typing import Any

from django.http import Http404, HttpRequest

from django_observe.console import (
    figures,
    links,
    operation_list,
    queries,
    quiet_routes,
    rate_queries,
    recent_spans,
    service_detail,
    timerange,
    window,
)
from django_observe.console.page import page
from django_observe.console.window import Window


@page
def service(request: HttpRequest, connection: sqlite3.Connection, name: str) -> tuple[str, dict[str, Any]]:
    """GET /services/<name>?quiet=show."""
    if name not in queries.services(connection):
        raise Http404(f"No service of the name {name[:200]} has sent anything that is still kept.")
    shown = timerange.of(request.GET, connection)
    quiet = request.GET.get("quiet", "")
    at = window.of(connection, shown)
    found = rate_queries.operations(connection, at, name, with_quiet=quiet == "show")
    series = service_detail.series(found.slots, at)
    examples = operation_list.Examples(*recent_spans.examples(connection, at, name))
    context = {
        "name": name,
        "window": at,
        "total": figures.figures(found.total, at.seconds),
        "series": series,
        "charts": service_detail.charts(series),
        "operations": operation_list.rows(found.each, at, shown, examples),
        "statements": _statements(connection, at, name),
        "statement_spans": recent_spans.STATEMENT_SPANS,
        "quiet": quiet_routes.told(found.quiet),
        "quiet_link": links.link("", shown, quiet="" if quiet else "show"),
        "quiet_shown": quiet == "show",
        "ways": _ways(name, shown),
        "live": True,
        "nav": "services",
    }
    return "console/service.html", context


def _statements(connection: sqlite3.Connection, at: Window, name: str) -> list[service_detail.StatementRow]:
    found = recent_spans.statements(connection, at, name)
    requests = recent_spans.requests_read(connection, at, name) if found else 0
    return service_detail.statements(found, requests)


def _ways(name: str, shown: timerange.TimeRange) -> dict[str, str]:
    """Where else this service is shown."""
    return {
        "Traces": links.link("/traces", shown, service=name),
        "Failed traces": links.link("/traces", shown, service=name, status="error"),
        "Logs": links.link("/logs", shown, service=name),
        "On the map": links.link("/map", shown, node=name),
    }
