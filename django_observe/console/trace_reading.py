"""A stored trace, read once: its records, its tree, and what a view of it selects and finds."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django_observe.console import (
    critical_path,
    linked_spans,
    outline,
    queries,
    span_tree,
    trace_find,
    trace_view,
)
from django_observe.console.drawing import Drawing
from django_observe.console.linked_spans import LinkedSpan
from django_observe.console.outline import Entry, Options
from django_observe.console.scale import Scale
from django_observe.console.span_tree import Node, Tree
from django_observe.console.trace_view import View

_STATUS_ERROR, _SEVERITY_ERROR = 2, 17
NEIGHBOUR: Final = """SELECT lower(hex(trace_id)) FROM trace WHERE spans>0 AND listed_ns{0}?
  ORDER BY listed_ns {1} LIMIT 1"""


@dataclass(frozen=True)
class Trace:
    """The rows of a trace as they are stored, and the tree that they make."""

    key: bytes
    summary: sqlite3.Row
    spans: Sequence[sqlite3.Row]
    logs: Sequence[sqlite3.Row]
    tree: Tree

    def node(self, span_id: str) -> Node | None:
        """The span of an ID in hex."""
        return next(
            (one for one in self.tree.nodes if one.record and one.record["span_id"].hex() == span_id), None
        )

    def log(self, number: str) -> sqlite3.Row | None:
        """The log line of a row number."""
        return next((log for log in self.logs if str(log["id"]) == number), None)


def read(connection: sqlite3.Connection, key: bytes) -> Trace | None:
    """All that is stored of a trace; None when nothing is."""
    summary = queries.trace(connection, key)
    if summary is None:
        return None
    spans, logs = queries.spans(connection, key), queries.trace_logs(connection, key)
    return Trace(key, summary, spans, logs, span_tree.grow(spans, logs))


def entries(connection: sqlite3.Connection, trace: Trace, view: View) -> list[Entry]:
    """The lines that the view shows; what is selected is always among them."""
    by_id: dict[str, list[LinkedSpan]] = {}
    for linked in linked_spans.linking_to(connection, trace.key, trace.summary["corr"], trace.spans):
        by_id.setdefault(linked.to, []).append(linked)
    links = {node: by_id[span_id] for span_id in by_id if (node := trace.node(span_id))}
    selected = _with_ancestors(selected_node(trace, view))
    severity = trace_view.LOGS[view.logs]
    return outline.entries(trace.tree, Options(view.shut, view.open, severity, selected, links))


def selected_node(trace: Trace, view: View) -> Node | None:
    """The span that is selected, or whose log line is."""
    log = trace.log(view.log) if view.log else None
    return trace.node(log["span_id"].hex() if log and log["span_id"] else view.span)


def _with_ancestors(node: Node | None) -> frozenset[Node]:
    found = set()
    while node is not None:
        found.add(node)
        node = node.parent
    return frozenset(found)


def drawing(trace: Trace, view: View, hues: Mapping[str, int]) -> Drawing:
    """What the lines are drawn with: zoomed, with the critical path unless it is off, search marked."""
    spans, logs = trace_find.find(trace.tree.nodes, trace.logs, view.q)
    scale = Scale(trace.spans, trace.logs, view.zoom_us)
    return Drawing(scale, hues, critical_path.find(trace.tree), spans, logs)


def failed(entry: Entry) -> bool:
    """Whether a line tells of an error."""
    if entry.log is not None:
        return bool(entry.log["sev"] >= _SEVERITY_ERROR)
    record = entry.node.record if entry.node and entry.kind == "span" else None
    return record is not None and record["status"] == _STATUS_ERROR


def neighbours(connection: sqlite3.Connection, trace: Trace) -> dict[str, Any]:
    """IDs of the traces listed just before and after this one."""
    listed = (trace.summary["listed_ns"],)
    older = connection.execute(NEIGHBOUR.format("<", "DESC"), listed).fetchone()
    newer = connection.execute(NEIGHBOUR.format(">", "ASC"), listed).fetchone()
    return {"older": older and older[0], "newer": newer and newer[0]}
