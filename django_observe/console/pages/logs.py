"""The log lines, newest first, under how many there were when, beside what they could be narrowed to."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.http import HttpRequest, QueryDict

from django_observe.console import detail, hues, id_prefix, log_counts, queries, timerange, waterfall
from django_observe.console.active_filters import active_filters, query_with
from django_observe.console.log_filters import log_filter
from django_observe.console.page import page
from django_observe.console.severity import LEVELS

_ROWS: Final = 100
_AROUND_MS: Final = 5_000
_LABELS: Final = {
    "q": "",
    "level": "at least ",
    "service": "service ",
    "logger": "logger ",
    "correlation_id": "correlation ID ",
    "trace_id": "trace ID ",
}


@page
def logs(request: HttpRequest, connection: sqlite3.Connection) -> tuple[str, dict[str, Any]]:
    """GET /logs?q=&level=&service=&logger=&correlation_id=&trace_id=&wrap=1&attributes=1."""
    shown = timerange.of(request.GET, connection)
    wanted = log_filter(request.GET, shown, _ROWS)
    rows = queries.logs(connection, wanted)
    histogram, facets = log_counts.counts(connection, wanted)
    context = {
        "logs": log_lines(connection, rows),
        "filter": request.GET,
        "active": active_filters(request.GET, _LABELS),
        "alike": id_prefix.addresses(connection, wanted.text).items(),
        "histogram": histogram,
        "histogram_height": log_counts.HEIGHT,
        "facets": _facets(facets, request.GET),
        "kept": [(name, request.GET.get(name, "")) for name in ("logger", "trace_id", "wrap", "attributes")],
        "wrapped": _switch(request.GET, "wrap"),
        "attributes": _switch(request.GET, "attributes"),
        "levels": list(LEVELS),
        "more": _more(request.GET, wanted, rows),
        "widened": query_with(request.GET, range="", to="", **{"from": ""}),
        "live": not wanted.before,
        "nav": "logs",
    }
    return "console/logs.html", context


def log_lines(connection: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> list[dict[str, Any]]:
    """What the template of a list of lines shows."""
    resources = queries.resources(connection, (row["resource"] for row in rows))
    lines = waterfall.log_lines(rows, hues.assign(queries.services(connection)))
    return [
        {
            "line": line,
            "row": row,
            "detail": detail.of_log(row, resources[row["resource"]]),
            "around": _around(row),
        }
        for line, row in zip(lines, rows, strict=True)
    ]


def _around(row: sqlite3.Row) -> str:
    """The query that shows 5 s before and after a line, of its service."""
    at = row["listed_ns"] // 10**6
    parameters = QueryDict(mutable=True)
    parameters.update({"service": row["service"], "from": at - _AROUND_MS, "to": at + _AROUND_MS})
    return f"{parameters.urlencode()}#log-{row['id']}"


def _facets(facets: Mapping[str, Sequence[log_counts.Facet]], parameters: QueryDict) -> list[dict[str, Any]]:
    """Per dimension its values, each with the query that narrows to it, or takes it off again."""
    chosen = {name: parameters.get(name, "") for name in facets} | {
        "level": parameters.get("level", "").upper()
    }
    return [
        {
            "name": name,
            "values": [
                {
                    "facet": one,
                    "on": chosen[name] == one.value,
                    "query": query_with(parameters, **{name: "" if chosen[name] == one.value else one.value}),
                }
                for one in found
            ],
        }
        for name, found in facets.items()
    ]


def _switch(parameters: QueryDict, name: str) -> dict[str, Any]:
    on = parameters.get(name) == "1"
    return {"on": on, "query": query_with(parameters, **{name: "" if on else "1"})}


def _more(parameters: QueryDict, wanted: queries.LogFilter, rows: Sequence[sqlite3.Row]) -> str:
    if len(rows) < wanted.limit:
        return ""
    return query_with(parameters, before=f"{rows[-1]['listed_ns']}-{rows[-1]['id']}")
