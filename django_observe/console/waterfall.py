"""The lines of a trace page: what each shows and where its bar lies, in percent of the timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from django_observe.console import span_tree
from django_observe.console.formatting import duration, offset, visible
from django_observe.console.severity import level_name
from django_observe.console.values import first_text

_KINDS: Final = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
_CLIENT, _PRODUCER, _CONSUMER, _STATUS_ERROR = 3, 4, 5, 2
_HINT_CHARS: Final = 100
_INDENTS: Final = 12
_TICKS: Final = 5
_MAP_ROWS: Final = 400


@dataclass(frozen=True)
class Bar:
    """Left edge and width in percent."""

    x: float
    width: float


@dataclass(frozen=True)
class Line:
    """One line as the template draws it; `text` is safe to show (control characters are escapes)."""

    kind: str
    id: str
    indent: int
    text: str
    service: str = ""
    hue: int = 0
    span_kind: str = ""
    hint: str = ""
    measure: str = ""
    bar: Bar | None = None
    wait: Bar | None = None
    wait_text: str = ""
    marks: Sequence[float] = ()
    error: bool = False
    error_text: str = ""
    level: str = ""
    record: Any = None


@dataclass(frozen=True)
class Waterfall:
    """All lines, the ticks of the axis, and what the header tells."""

    lines: Sequence[Line]
    ticks: Sequence[tuple[float, str]]
    start_ns: int
    duration_ns: int
    partial: bool
    services: Mapping[str, int] = field(default_factory=dict)


class Scale:
    """Nanoseconds to percent of the timeline. Spans define it: a log line's odd clock cannot stretch it."""

    def __init__(self, spans: Sequence[Any], logs: Sequence[Any]) -> None:
        starts = [span["start_ns"] for span in spans] or [log["ts"] for log in logs] or [0]
        ends = [span["start_ns"] + span["dur_ns"] for span in spans] or [log["ts"] for log in logs] or [0]
        self.start_ns: int = min(starts)
        self.length_ns: int = max(max(ends) - self.start_ns, 1)

    def at(self, ns: int) -> float:
        """Position of a moment, kept within the timeline."""
        share = (ns - self.start_ns) / self.length_ns
        return round(min(max(share, 0.0), 1.0) * 100, 2)

    def bar(self, start_ns: int, end_ns: int) -> Bar:
        """A stretch of time; never narrower than can be seen."""
        left = self.at(start_ns)
        width = max(round(self.at(end_ns) - left, 2), 0.15)
        return Bar(min(left, 100 - 0.15), width)


def build(spans: Sequence[Any], logs: Sequence[Any], hues: Mapping[str, int]) -> Waterfall:
    """The waterfall of a trace from its stored spans and log lines."""
    scale = Scale(spans, logs)
    entries = span_tree.flatten(spans, logs)
    services: dict[str, int] = {}
    for span in spans:
        services[span["service"]] = services.get(span["service"], 0) + 1
    step = scale.length_ns / (_TICKS - 1)
    return Waterfall(
        lines=[_line(entry, scale, hues) for entry in entries],
        ticks=[
            (tick * 100 / (_TICKS - 1), duration(int(tick * step)) if tick else "0") for tick in range(_TICKS)
        ],
        start_ns=scale.start_ns,
        duration_ns=scale.length_ns if spans else 0,
        partial=any(entry.kind == "missing" for entry in entries),
        services=services,
    )


def log_lines(logs: Sequence[Any], hues: Mapping[str, int]) -> list[Line]:
    """Log lines on their own, in the order given; their measure counts from the earliest."""
    scale = Scale([], logs)
    return [_log_line(log, 0, scale, hues) for log in logs]


def overview(lines: Sequence[Line]) -> list[Line]:
    """At most 400 span lines, evenly chosen, for the small map above the waterfall."""
    drawn = [line for line in lines if line.kind == "span"]
    return drawn[:: max(1, -(-len(drawn) // _MAP_ROWS))]


def _line(entry: span_tree.Entry, scale: Scale, hues: Mapping[str, int]) -> Line:
    indent = min(entry.depth, _INDENTS)
    if entry.log is not None:
        return _log_line(entry.log, indent, scale, hues)
    if entry.node is None:
        return Line("unattached", "unattached", indent, "Log lines whose span has not arrived")
    if entry.node.record is None:
        missing_id = (entry.node.missing_id or b"").hex()
        return Line("missing", missing_id, indent, f"Span {missing_id} has not arrived")
    return _span_line(entry.node, entry.node.record, indent, scale, hues)


def _span_line(node: span_tree.Node, span: Any, indent: int, scale: Scale, hues: Mapping[str, int]) -> Line:
    end_ns = span["start_ns"] + span["dur_ns"]
    wait = _queue_wait(node, span)
    return Line(
        kind="span",
        id=span["span_id"].hex(),
        indent=indent,
        text=visible(span["name"]),
        service=visible(span["service"]),
        hue=hues.get(span["service"], 0),
        span_kind=_KINDS.get(span["kind"], ""),
        hint=_hint(span),
        measure=duration(span["dur_ns"]),
        bar=scale.bar(span["start_ns"], end_ns),
        wait=scale.bar(span["start_ns"] - wait, span["start_ns"]) if wait else None,
        wait_text=duration(wait) if wait else "",
        marks=_marks(span, scale),
        error=span["status"] == _STATUS_ERROR,
        error_text=visible(span["status_msg"]),
        record=span,
    )


def _hint(span: Any) -> str:
    """What a call went to, when the name does not tell: the URL without its query, or the SQL."""
    if span["kind"] != _CLIENT:
        return ""
    attrs = orjson.loads(span["attrs"])
    url = first_text(attrs, "url.full", "http.url")
    called = url.partition("?")[0] if url else first_text(attrs, "db.query.text", "db.statement")
    return visible(called[:_HINT_CHARS]) if called and called != span["name"] else ""


def _marks(span: Any, scale: Scale) -> list[float]:
    if span["events"] == "[]":
        return []
    return [scale.at(event["ts"]) for event in orjson.loads(span["events"])]


def _queue_wait(node: span_tree.Node, span: Any) -> int:
    """Nanoseconds between the end of the producer's span and the start of the consumer's."""
    producer = node.parent.record if node.parent else None
    if producer is None or span["kind"] != _CONSUMER or producer["kind"] != _PRODUCER:
        return 0
    return max(int(span["start_ns"] - producer["start_ns"] - producer["dur_ns"]), 0)


def _log_line(log: Any, indent: int, scale: Scale, hues: Mapping[str, int]) -> Line:
    level = level_name(log["sev"])
    return Line(
        kind="log",
        id=str(log["id"]),
        indent=indent,
        text=visible(log["body"][:400].partition("\n")[0]),
        service=visible(log["service"]),
        hue=hues.get(log["service"], 0),
        measure=offset(log["ts"] - scale.start_ns),
        bar=Bar(scale.at(log["ts"]), 0),
        error=level in ("ERROR", "CRITICAL"),
        error_text=visible(log["error"]),
        level=level,
        record=log,
    )
