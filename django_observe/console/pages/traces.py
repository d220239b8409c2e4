"""The list of traces, filtered and sorted, under a picture of all that match."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from django.http import HttpRequest, QueryDict

from django_observe.console import hues, queries, timerange, trace_queries
from django_observe.console.active_filters import active_filters, query_with
from django_observe.console.page import page
from django_observe.console.scatter import HEIGHT, scatter
from django_observe.console.trace_filter import SORTS, TraceFilter, trace_filter
from django_observe.console.trace_list import listed
from django_observe.console.unknown_keys import unknown_keys

_LABELS: Final = {
    "q": "",
    "service": "service ",
    "operation": "operation ",
    "status": "status ",
    "min_ms": "≥ ms ",
    "max_ms": "≤ ms ",
    "http": "HTTP ",
    "correlation_id": "correlation ID ",
    "where": "",
}


@page
def traces(request: HttpRequest, connection: sqlite3.Connection) -> tuple[str, dict[str, Any]]:
    """GET /traces; `trace_filter` says which parameters there are."""
    wanted = trace_filter(request.GET, timerange.of(request.GET, connection))
    found = trace_queries.find(connection, wanted)
    rows = found.rows
    hue_of = hues.assign(queries.services(connection))
    context = {
        "traces": listed(connection, rows, hue_of),
        "wanted": wanted,
        "filter": request.GET,
        "active": active_filters(request.GET, _LABELS),
        "sorts": {name: query_with(request.GET, sort=name if name != "time" else "") for name in SORTS},
        "scatter": scatter(found.drawn, wanted.range, hue_of),
        "scatter_height": HEIGHT,
        "matching": _matching(connection, wanted, len(found.drawn)),
        "keys": trace_queries.keys(connection),
        "outside": 0 if rows else trace_queries.outside(connection, wanted),
        "unknown_keys": [] if rows else unknown_keys(connection, wanted.where),
        "widened": query_with(request.GET, range="", to="", **{"from": ""}),
        "kept": _kept(request.GET),
        "more": _more(request.GET, wanted, rows),
        "live": not wanted.before,
        "nav": "traces",
    }
    return "console/traces.html", context


def _matching(connection: sqlite3.Connection, wanted: TraceFilter, drawn: int) -> int:
    return drawn if drawn < trace_queries.POINTS else trace_queries.count(connection, wanted)


def _more(parameters: QueryDict, wanted: TraceFilter, rows: Sequence[sqlite3.Row]) -> str:
    """The query of the next page, if there may be one."""
    if len(rows) < wanted.limit:
        return ""
    last = rows[-1]
    return query_with(parameters, before=f"{last['place']}-{last['trace_id'].hex()}")


def _kept(parameters: QueryDict) -> list[tuple[str, str]]:
    """What the form has no field for and must not lose."""
    kept = [("service", name) for name in parameters.getlist("service")[1:]]
    kept += [("where", text) for text in parameters.getlist("where")]
    kept += [(name, parameters.get(name, "")) for name in ("sort", "operation")]
    return [(name, value) for name, value in kept if value]
