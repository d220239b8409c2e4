"""One trace: its waterfall with the log lines in place, its log lines, its SQL, its JSON."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import orjson
from django.http import Http404, HttpRequest

from django_observe.console import (
    called,
    hues,
    pins,
    queries,
    sql_calls,
    time_shares,
    trace_reading,
    trace_view,
    tracesdata,
    waterfall,
)
from django_observe.console.drawing import Drawing
from django_observe.console.formatting import visible
from django_observe.console.overview import overview
from django_observe.console.page import page
from django_observe.console.pane import pane_of
from django_observe.console.row_window import window
from django_observe.console.severity import level_name
from django_observe.console.table_rows import table_rows
from django_observe.console.trace_reading import Trace
from django_observe.console.trace_view import View
from django_observe.console.traceid import is_trace_id

_JSON_CHARS: Final = 100_000
_LOGS: Final = {"all": "all", "warn": "warnings", "none": "none"}
_WEB: Final = re.compile(r"https?://")
_Context = dict[str, Any]


@page
def trace(request: HttpRequest, connection: sqlite3.Connection, trace_id: str) -> tuple[str, _Context]:
    """GET /trace/<trace_id>; `?part=pane` answers with nothing but what is selected."""
    if not is_trace_id(trace_id):
        raise ValueError(f"{trace_id[:64]} is not a trace ID; it has 32 hexadecimal digits.")
    found = trace_reading.read(connection, bytes.fromhex(trace_id))
    if found is None:
        raise Http404("This trace has not arrived, or was evicted because it was the oldest.")
    view = trace_view.of(request.GET)
    context = {
        "trace_id": trace_id.lower(),
        "trace": found,
        "summary": found.summary,
        "view": view,
        "pane": pane_of(connection, found, view),
        "nav": "traces",
        "live": True,
    }
    if request.GET.get("part") == "pane":
        return "console/pane.html", context
    drawing = trace_reading.drawing(found, view, hues.assign(queries.services(connection)))
    body = _TABS[view.tab](connection, found, view, drawing)
    return "console/trace.html", {**context, **_head(connection, found, view, drawing), **body}


def _head(connection: sqlite3.Connection, found: Trace, view: View, drawing: Drawing) -> _Context:
    jaeger = os.environ.get("DJANGO_OBSERVE_JAEGER_UI", "").rstrip("/")
    return {
        "duration_ns": drawing.scale.length_ns if found.spans else 0,
        "partial": any(node.record is None for node in found.tree.nodes),
        "shares": time_shares.laid_out(time_shares.shares(drawing.path)),
        "select": view.selecting,
        "in_place": replace(view, tab="waterfall").selecting,
        "logs_choices": [(name, (label, view.links[f"logs_{name}"])) for name, label in _LOGS.items()],
        "jaeger": f"{jaeger}/trace/{found.key.hex()}" if _WEB.match(jaeger) else "",
        "tabs": [(tab, view.query(tab=tab, page=1, span="", log="")) for tab in trace_view.TABS],
        "pinned": pins.is_pinned(connection, found.key),
        "queries": sum(called.database(node) != "" for node in found.tree.nodes),
        **trace_reading.neighbours(connection, found),
    }


def _waterfall(connection: sqlite3.Connection, found: Trace, view: View, drawing: Drawing) -> _Context:
    scale = drawing.scale
    whole = scale.whole()
    zoomed = whole.bar(scale.from_ns, scale.from_ns + scale.shown_ns) if scale.zoomed else None
    rows = window(trace_reading.entries(connection, found, view), view)
    return {
        "rows": rows,
        "lines": table_rows(waterfall.draw(rows.entries, drawing), view),
        "ticks": scale.ticks(),
        "map": overview(found.tree, whole, drawing.hues),
        "zoomed": zoomed,
        "zoomed_end": zoomed and zoomed.x + zoomed.width,
        "length_us": -(-scale.length_ns // 1000),
        "from_us": (scale.from_ns - scale.start_ns) // 1000,
        "shown_us": -(-scale.shown_ns // 1000),
        "hits": len(drawing.hits) + len(drawing.log_hits),
    }


def _logs(_connection: sqlite3.Connection, found: Trace, view: View, drawing: Drawing) -> _Context:
    wanted = [
        log
        for log in found.logs
        if log["sev"] >= trace_view.LOGS[view.logs] and (not view.q or log["id"] in drawing.log_hits)
    ]
    start_ns = drawing.scale.start_ns
    rows = [(log, log["ts"] - start_ns, level_name(log["sev"])) for log in wanted[: trace_view.ROWS]]
    return {"log_rows": rows, "found": len(wanted), "hits": len(drawing.log_hits)}


def _sql(_connection: sqlite3.Connection, found: Trace, _view: View, _drawing: Drawing) -> _Context:
    groups = sql_calls.sql_calls(found.tree.nodes)
    most = max((group.total_ns for group in groups), default=0) or 1
    rows = [(group, group.total_ns * 100 // most, group.total_ns // group.calls) for group in groups]
    return {"sql": rows, "sql_ns": sum(group.total_ns for group in groups)}


def _json(connection: sqlite3.Connection, found: Trace, _view: View, _drawing: Drawing) -> _Context:
    data = tracesdata.traces_data(connection, [found.key])
    text = orjson.dumps(data, option=orjson.OPT_INDENT_2).decode()
    return {"json": visible(text[:_JSON_CHARS]), "json_cut": max(len(text) - _JSON_CHARS, 0)}


_TABS: Final[dict[str, Callable[[sqlite3.Connection, Trace, View, Drawing], _Context]]] = {
    "waterfall": _waterfall,
    "logs": _logs,
    "sql": _sql,
    "json": _json,
}
