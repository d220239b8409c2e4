"""What the pane beside the waterfall tells about the selected span or log line."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from django_observe.console import called, detail, queries
from django_observe.console.detail import Detail
from django_observe.console.formatting import visible
from django_observe.console.gaps import self_ns
from django_observe.console.line import KINDS
from django_observe.console.severity import level_name
from django_observe.console.trace_reading import Trace
from django_observe.console.trace_view import View
from django_observe.console.typical import Typical, typical

_STATUS_ERROR = 2


@dataclass(frozen=True)
class Pane:
    """A span (`level` is empty) or a log line; times in nanoseconds, `id` as the address has it."""

    id: str
    title: str
    service: str
    detail: Detail
    kind: str = ""
    level: str = ""
    error: bool = False
    error_text: str = ""
    start_ns: int = 0
    offset_ns: int = 0
    duration_ns: int = 0
    self_ns: int | None = None
    statement: str = ""
    typical: Typical | None = None
    zoom: str = ""
    owner: str = ""
    links: Sequence[Mapping[str, Any]] = ()


def pane_of(connection: sqlite3.Connection, trace: Trace, view: View) -> Pane | None:
    """What is selected; None when nothing is, or it is not there any more."""
    if view.log:
        return _of_log(connection, trace, view)
    node = trace.node(view.span) if view.span else None
    if node is None or node.record is None:
        return None
    span = node.record
    start_ns = _start_ns(trace)
    resource = queries.resources(connection, [span["resource"]])[span["resource"]]
    began_us = (node.start_ns - start_ns) // 1000
    return Pane(
        id=view.span,
        title=visible(called.label(node)),
        service=span["service"],
        kind="query" if called.database(node) else KINDS.get(span["kind"], ""),
        error=span["status"] == _STATUS_ERROR,
        error_text=visible(span["status_msg"]),
        detail=detail.of_span(span, start_ns, resource),
        start_ns=node.start_ns,
        offset_ns=node.start_ns - start_ns,
        duration_ns=node.end_ns - node.start_ns,
        self_ns=self_ns(node) if node.children else None,
        statement=visible(called.statement(node)),
        typical=typical(connection, span),
        zoom=view.query(zoom_us=(began_us, max(-(-(node.end_ns - start_ns) // 1000), began_us + 1))),
        links=orjson.loads(span["links"]),
    )


def _of_log(connection: sqlite3.Connection, trace: Trace, view: View) -> Pane | None:
    log = trace.log(view.log)
    if log is None:
        return None
    resource = queries.resources(connection, [log["resource"]])[log["resource"]]
    owner = trace.node(log["span_id"].hex()) if log["span_id"] else None
    return Pane(
        id=view.log,
        title=visible(log["logger"]) or "log line",
        service=log["service"],
        level=level_name(log["sev"]),
        detail=detail.of_log(log, resource),
        error_text=visible(log["error"]),
        start_ns=log["ts"],
        offset_ns=log["ts"] - _start_ns(trace),
        owner=view.query(span=log["span_id"].hex(), log="") if owner else "",
    )


def _start_ns(trace: Trace) -> int:
    starts = [span["start_ns"] for span in trace.spans] or [log["ts"] for log in trace.logs]
    return min(starts, default=0)
