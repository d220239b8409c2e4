"""The signature page: everything that one business action did, in every service, on one time line."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict

from django_observe.console import correlation_queries, hues, intervals, limits, queries
from django_observe.console.active_filters import query_with
from django_observe.console.digest import as_text, digest
from django_observe.console.id_prefix import address_of, addresses, uncut
from django_observe.console.instance import console_of
from django_observe.console.lanes import Picture
from django_observe.console.page import page
from django_observe.console.pages.logs import log_lines
from django_observe.console.severity import LEVELS
from django_observe.console.step import Step
from django_observe.console.story import Story
from django_observe.console.story_lines import LINES, line_filter, place
from django_observe.console.zoom import zoom

_STEPS: Final = 200


def correlation(request: HttpRequest, correlation_id: str) -> HttpResponse:
    """GET /c/<correlation_id>, or the beginning of one, which leads to a random one and lists others."""
    with console_of(request).store.reading() as connection:
        address = address_of(connection, correlation_id)
    if address and address != f"/c/{quote(correlation_id, safe='')}":
        return HttpResponseRedirect(address)
    return _correlation(request, correlation_id=correlation_id)


@page
def _correlation(
    request: HttpRequest, connection: sqlite3.Connection, correlation_id: str
) -> tuple[str, dict[str, Any]]:
    """`zoom` is a part of the time; `level`, `service` and `from_line` narrow the log lines."""
    spans = correlation_queries.spans(connection, correlation_id)
    logs = correlation_queries.logs(connection, correlation_id)
    context: dict[str, Any] = {"correlation_id": correlation_id, "live": True, "nav": ""}
    if not spans and not logs:
        alike = addresses(connection, correlation_id).items()
        return "console/correlation.html", {**context, "alike": alike, "words": uncut(correlation_id)}
    steps = Story(spans, logs).steps
    context |= {
        "found": True,
        "traces": correlation_queries.traces(connection, correlation_id),
        "services_touched": len({row["service"] for row in (*spans, *logs)}),
        "span_count": len(spans),
        "log_count": len(logs),
        "cut": limits.TRACE_ROWS if limits.TRACE_ROWS in (len(spans), len(logs)) else 0,
        **_ending(correlation_id, steps),
        **_part(connection, logs, steps, request.GET),
    }
    return "console/correlation.html", context


def _ending(correlation_id: str, steps: Sequence[Step]) -> dict[str, Any]:
    if not steps:
        return {}
    told = digest(steps)
    return {"digest": told, "text": as_text(correlation_id, steps, told)}


def _part(
    connection: sqlite3.Connection,
    logs: Sequence[sqlite3.Row],
    steps: Sequence[Step],
    parameters: QueryDict,
) -> dict[str, Any]:
    """Picture, steps and log lines of the whole, or of what is zoomed into."""
    zero_ns = min([step.start_ns for step in steps] + [log["ts"] for log in logs])
    part = zoom(parameters.get("zoom", ""))
    window = part.window(zero_ns) if part else None
    if window:
        steps = [step for step in steps if intervals.touch((step.start_ns, step.end_ns), window)]
        logs = [log for log in logs if intervals.touch((log["ts"], log["ts"]), window)]
    picture = Picture(steps, logs, hues.assign(queries.services(connection)), window, zero_ns)
    return {
        "picture": picture,
        "zero_ns": zero_ns,
        "steps": _placed(steps[:_STEPS], picture),
        "steps_left_out": max(len(steps) - _STEPS, 0),
        "zoomed": part.text if part else "",
        "zoom_query": query_with(parameters, level="", service="", from_line=""),
        "whole": query_with(parameters, zoom=""),
        **_lines(connection, logs, steps, picture, parameters),
    }


def _placed(steps: Sequence[Step], picture: Picture) -> list[dict[str, Any]]:
    axis = picture.axis
    return [
        {"step": step, "offset": step.start_ns - axis.zero_ns, "x": axis.at(step.start_ns)} for step in steps
    ]


def _lines(
    connection: sqlite3.Connection,
    logs: Sequence[sqlite3.Row],
    steps: Sequence[Step],
    picture: Picture,
    parameters: QueryDict,
) -> dict[str, Any]:
    wanted = line_filter(parameters)
    matching = wanted.of(logs)
    shown = matching[wanted.first : wanted.first + LINES]
    entries = log_lines(connection, shown)
    place(entries, shown, steps, picture.axis)
    return {
        "logs": entries,
        "lines": len(logs),
        "line_service": wanted.service,
        "line_level": parameters.get("level", ""),
        "warnings": sum(log["sev"] >= LEVELS["WARNING"] for log in logs),
        "next_line": wanted.first + LINES if len(matching) > wanted.first + LINES else 0,
    }
