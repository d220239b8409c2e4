"""The lines of a trace: spans, log lines, folds of repeated calls, gaps, and spans of other traces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django_observe.console import called, outline, span_tree
from django_observe.console.drawing import Drawing
from django_observe.console.folding import Fold
from django_observe.console.formatting import duration, offset, visible
from django_observe.console.gaps import Stretch
from django_observe.console.line import KINDS, Line, indent_of, log_line
from django_observe.console.linked_spans import LinkedSpan
from django_observe.console.outline import Entry
from django_observe.console.scale import Scale
from django_observe.console.span_line import hint_of, icon_of, span_line
from django_observe.console.span_tree import Node

_CLIENT, _SERVER, _STATUS_ERROR = 3, 2, 2


@dataclass(frozen=True)
class Waterfall:
    """All lines of a trace, for those who show it whole."""

    lines: Sequence[Line]
    start_ns: int
    duration_ns: int


def build(spans: Sequence[Any], logs: Sequence[Any], hues: Mapping[str, int]) -> Waterfall:
    """The waterfall of a trace from its stored spans and log lines, repeated calls folded."""
    scale = Scale(spans, logs)
    entries = outline.entries(span_tree.grow(spans, logs), outline.Options())
    return Waterfall(draw(entries, Drawing(scale, hues)), scale.start_ns, scale.length_ns if spans else 0)


def log_lines(logs: Sequence[Any], hues: Mapping[str, int]) -> list[Line]:
    """Log lines on their own, in the order given; their measure counts from the earliest."""
    scale = Scale([], logs)
    return [log_line(log, 0, scale, hues) for log in logs]


def draw(entries: Sequence[Entry], drawing: Drawing) -> list[Line]:
    """Each entry as a line."""
    return [_line(entry, drawing) for entry in entries]


def _line(entry: Entry, drawing: Drawing) -> Line:
    if entry.log is not None:
        hit = entry.log["id"] in drawing.log_hits
        return log_line(entry.log, entry.depth, drawing.scale, drawing.hues, hit=hit)
    if entry.node is None:
        return Line("unattached", "unattached", 0, "Log lines whose span has not arrived")
    if entry.fold is not None:
        return _fold_line(entry, entry.fold, drawing)
    if entry.gap is not None:
        return _gap_line(entry, entry.node, entry.gap, drawing)
    if entry.linked is not None:
        return _linked_line(entry, entry.linked, drawing)
    return span_line(entry, entry.node, drawing)


def _fold_line(entry: Entry, fold: Fold, drawing: Drawing) -> Line:
    first, scale = fold.first.record or {}, drawing.scale
    return Line(
        kind="fold",
        id=first["span_id"].hex(),
        indent=indent_of(entry.depth),
        depth=entry.depth,
        text=visible(called.label(fold.first)),
        service=visible(first["service"]),
        hue=drawing.hues.get(first["service"], 0),
        span_kind=KINDS.get(first["kind"], ""),
        icon=icon_of(fold.first),
        hint=hint_of(fold.first),
        measure=duration(fold.total_ns),
        comb=scale.bars((node.start_ns, node.end_ns) for node in fold.members),
        path=scale.bars(stretch for node in fold.members for stretch in drawing.path.own.get(node, ())),
        parent=True,
        closed=not entry.opened,
        count=len(fold.members),
        hit=any(node in drawing.hits for node in fold.members),
        record=first,
    )


def _gap_line(entry: Entry, node: Node, gap: Stretch, drawing: Drawing) -> Line:
    answered = any(child.record and child.record["kind"] == _SERVER for child in node.children)
    is_call = node.record is not None and node.record["kind"] == _CLIENT and answered
    return Line(
        kind="gap",
        id="",
        indent=indent_of(entry.depth),
        depth=entry.depth,
        text="in transit or waiting" if is_call else "uninstrumented",
        measure=duration(gap[1] - gap[0]),
        bar=drawing.scale.bar(*gap),
    )


def _linked_line(entry: Entry, linked: LinkedSpan, drawing: Drawing) -> Line:
    scale, started = drawing.scale, linked.start_ns - drawing.scale.start_ns
    beyond = started > scale.length_ns
    return Line(
        kind="linked",
        id=linked.span_id,
        indent=indent_of(entry.depth),
        depth=entry.depth,
        text=visible(linked.name),
        service=visible(linked.service),
        named=True,
        hue=drawing.hues.get(linked.service, 0),
        hint="in a trace of its own",
        measure=duration(linked.dur_ns),
        bar=None if beyond else scale.bar(linked.start_ns, linked.start_ns + linked.dur_ns),
        beyond=f"{offset(started)} →" if beyond else "",
        error=linked.status == _STATUS_ERROR,
        linked=True,
        href=f"/trace/{linked.trace_id}?span={linked.span_id}",
    )
