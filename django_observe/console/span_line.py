"""A span, or one that has not arrived, as a line of the waterfall."""

from __future__ import annotations

from typing import Any, Final

import orjson

from django_observe.console import called, outline
from django_observe.console.drawing import Drawing
from django_observe.console.formatting import duration, visible
from django_observe.console.gaps import self_ns
from django_observe.console.line import KINDS, Line, indent_of
from django_observe.console.outline import Entry
from django_observe.console.scale import Bar, Scale
from django_observe.console.shortsql import shortened
from django_observe.console.span_tree import Node, Record

_PRODUCER, _CONSUMER, _STATUS_ERROR = 4, 5, 2
_HINT_CHARS: Final = 100


def span_line(entry: Entry, node: Node, drawing: Drawing) -> Line:
    """A span with its bar, what it waited for, and what below it is hidden."""
    span = node.record
    if span is None:
        return _missing_line(entry, node)
    line = Line(
        kind="span",
        id=span["span_id"].hex(),
        indent=indent_of(entry.depth),
        text=visible(called.label(node)),
        depth=entry.depth,
        service=visible(span["service"]),
        named=node.parent is None or _service(node.parent) != span["service"],
        hue=drawing.hues.get(span["service"], 0),
        span_kind=KINDS.get(span["kind"], ""),
        icon=icon_of(node),
        hint=hint_of(node),
        measure=duration(span["dur_ns"]),
        self_time=duration(self_ns(node)) if node.children else "",
        error=span["status"] == _STATUS_ERROR,
        error_text=visible(span["status_msg"]),
        parent=outline.has_below(node),
        closed=entry.closed,
        count=node.spans - 1 if entry.closed else 0,
        linked=span["links"] != "[]",
        hit=node in drawing.hits,
        record=span,
    )
    _place(line, node, drawing)
    return line


def _place(line: Line, node: Node, drawing: Drawing) -> None:
    """What lies in the span's lane."""
    scale, wait = drawing.scale, queue_wait(node)
    line.bar = scale.bar(node.start_ns, node.end_ns)
    line.thin = _thin(node, scale)
    line.path = scale.bars(drawing.path.own.get(node, ()))
    line.marks = _marks(line.record, scale)
    if wait:
        line.wait, line.wait_text = scale.bar(node.start_ns - wait, node.start_ns), duration(wait)


def _service(node: Node) -> str:
    return str(node.record["service"]) if node.record else ""


def icon_of(node: Node) -> str:
    """What kind of work a span is: its kind, or `db` for a query."""
    return "db" if called.database(node) else KINDS.get((node.record or {"kind": 1})["kind"], "internal")


def hint_of(node: Node) -> str:
    """What a call went to, when the name does not tell: the URL without its query, or the SQL."""
    text = (called.url(node) or shortened(called.statement(node)))[:_HINT_CHARS]
    return visible(text) if node.record and text != node.record["name"] else ""


def queue_wait(node: Node) -> int:
    """Nanoseconds between the end of the producer's span and the start of the consumer's."""
    producer, span = node.parent.record if node.parent else None, node.record
    if producer is None or span is None or span["kind"] != _CONSUMER or producer["kind"] != _PRODUCER:
        return 0
    return max(int(span["start_ns"] - producer["start_ns"] - producer["dur_ns"]), 0)


def _missing_line(entry: Entry, node: Node) -> Line:
    missing_id = (node.missing_id or b"").hex()
    return Line(
        kind="missing",
        id=missing_id,
        indent=indent_of(entry.depth),
        depth=entry.depth,
        text=f"Span {missing_id} has not arrived",
        parent=True,
        closed=entry.closed,
        count=node.spans if entry.closed else 0,
    )


def _thin(node: Node, scale: Scale) -> Bar | None:
    """From the first to the last moment of all below, when spans below outlive it or began before it."""
    if node.reach_ns <= node.end_ns and node.first_ns >= node.start_ns:
        return None
    return scale.bar(node.first_ns, node.reach_ns)


def _marks(span: Record, scale: Scale) -> list[float]:
    if span["events"] == "[]":
        return []
    events: list[dict[str, Any]] = orjson.loads(span["events"])
    return [scale.at(event["ts"]) for event in events]
